"""What the viewer is told about the door that it is opened at: a script of ours in place of its `app-config.js`."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

_SOURCE = "pacsbox"


@dataclass(frozen=True)
class Place:
    """Where one viewer lives, in paths as the browser sees them."""

    files: str
    """The folder of its files, with a slash at its end."""
    pages: str
    """Below which it makes up its own paths."""
    dicomweb: str
    """The root of its DICOMweb."""
    settings: str
    """Of the script that this module writes."""
    lists: bool
    """Whether it shows a list of studies."""


def script(place: Place) -> bytes:
    """The settings as JavaScript, with nothing in it but paths."""
    return b"window.PUBLIC_URL = %b;\nwindow.browserImportFunction = (name) => import(name);\nwindow.config = %b;\n" % (
        orjson.dumps(place.files),
        orjson.dumps(_config(place)),
    )


def _config(place: Place) -> dict[str, object]:
    return {
        "routerBasename": place.pages,
        "showStudyList": place.lists,
        "extensions": [],
        "modes": [],
        "customizationService": {"ohif.tours": {"$set": []}},
        "investigationalUseDialog": {"option": "never"},
        "showWarningMessageForCrossOrigin": False,
        "showErrorDetails": "production",
        "maxNumberOfWebWorkers": 3,
        "maxNumRequests": {"interaction": 20, "thumbnail": 5, "prefetch": 10},
        "defaultDataSourceName": _SOURCE,
        "dataSources": [
            {
                "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
                "sourceName": _SOURCE,
                "configuration": _source(place.dicomweb),
            }
        ],
    }


def _source(root: str) -> dict[str, object]:
    return {
        "name": _SOURCE,
        "friendlyName": _SOURCE,
        "qidoRoot": root,
        "wadoRoot": root,
        "wadoUriRoot": root,
        "qidoSupportsIncludeField": True,
        "supportsFuzzyMatching": True,
        "supportsWildcard": True,
        "imageRendering": "wadors",
        "thumbnailRendering": "thumbnail",
        "thumbnailRequestStrategy": "fetch",
        "enableStudyLazyLoad": True,
        # Documents and films are opened by address: /rendered gives them as they are.
        "singlepart": "bulkdata,video,pdf",
        "bulkDataURI": {"enabled": True, "relativeResolution": "studies"},
        "omitQuotationForMultipartRequest": True,
    }
