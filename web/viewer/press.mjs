// Compress what is named on the standard input, a line each, to <name>.br and <name>.gz beside it.
// zlib works in threads of libuv's pool: UV_THREADPOOL_SIZE says how many.
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import zlib, { constants } from "node:zlib";

const ways = {
  br: (body) =>
    promisify(zlib.brotliCompress)(body, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
  gz: (body) => promisify(zlib.gzip)(body, { level: 9 }),
};

async function press(name) {
  const body = await readFile(name);
  for (const [ending, way] of Object.entries(ways)) await writeFile(`${name}.${ending}`, await way(body));
}

let text = "";
for await (const piece of process.stdin) text += piece;
await Promise.all(text.split("\n").filter(Boolean).map(press));
