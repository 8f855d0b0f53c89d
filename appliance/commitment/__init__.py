"""Proof of storage, both ways: callers are told what we keep, and peers are asked what they keep of ours."""
