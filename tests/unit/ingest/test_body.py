"""The bytes of a request: bounded before they are read, unpacked within the same bounds."""

import gzip
import zlib

import pytest
from django.test import RequestFactory

from ingest.body import BodyRefused, body_of, unpacked

MOST = 1000


def request(body: bytes, **headers: str):
    return RequestFactory().post("/webhook", body, content_type="application/json", headers=headers)


def refusal(body: bytes, **headers: str) -> BodyRefused:
    with pytest.raises(BodyRefused) as refused:
        body_of(request(body, **headers), MOST)
    return refused.value


def test_a_body_up_to_the_limit_is_taken_and_a_byte_more_is_refused():
    assert body_of(request(b"x" * MOST), MOST) == b"x" * MOST
    assert (refusal(b"x" * (MOST + 1)).status, refusal(b"x" * (MOST + 1)).detail) == (
        413,
        "At most 1,000 bytes are taken. Send smaller batches.",
    )


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_is_unpacked(encoding):
    assert body_of(request(gzip.compress(b'{"a": 1}'), **{"Content-Encoding": encoding}), MOST) == b'{"a": 1}'


def test_identity_is_no_encoding():
    assert body_of(request(b"{}", **{"Content-Encoding": "identity"}), MOST) == b"{}"


def test_gzip_of_several_members_is_unpacked_as_one():
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two"), MOST) == b"one two"


def test_unpacking_stops_at_the_limit_whatever_is_packed():
    assert unpacked(gzip.compress(b"x" * MOST), MOST) == b"x" * MOST
    for packed in (gzip.compress(b"x" * (MOST + 1)), gzip.compress(b"x" * 600) * 2, gzip.compress(bytes(50_000_000))):
        with pytest.raises(BodyRefused, match="At most 1,000 unpacked bytes") as refused:
            unpacked(packed, MOST)
        assert refused.value.status == 413


@pytest.mark.parametrize(
    ("packed", "says"),
    [
        (b"hello", "not gzip"),
        (zlib.compress(b"hello"), "not gzip"),
        (gzip.compress(b"hello")[:-4], "ends too early"),
        (gzip.compress(b"hello")[:-8] + b"\0" * 8, "not gzip"),
        (gzip.compress(b"hello") + b"rest", "not gzip"),
    ],
)
def test_what_is_no_gzip_is_refused_with_the_reason(packed, says):
    refused = refusal(packed, **{"Content-Encoding": "gzip"})
    assert refused.status == 400
    assert says in refused.detail


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_encodings_are_refused_by_name(encoding):
    refused = refusal(b"x", **{"Content-Encoding": encoding})
    assert refused.status == 415
    assert f"“{encoding}”" in refused.detail
