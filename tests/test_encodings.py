"""What arrives is UTF-8 or refused: no claimed encoding makes a page fail."""

import pytest

from portal.encodings import OnlyUtf8


def status(content_type: str) -> int:
    """What is answered to a request that claims `content_type`; 200 when the application is asked at all."""
    answered = []
    wrapped = OnlyUtf8(lambda environ, start_response: start_response("200 OK", []))
    wrapped({"CONTENT_TYPE": content_type} if content_type else {}, lambda line, headers: answered.append(line))
    return int(answered[0].split()[0])


@pytest.mark.django_db  # the server asks the database before it starts
def test_it_stands_before_django():
    from portal.wsgi import application

    assert isinstance(application, OnlyUtf8)


@pytest.mark.parametrize("charset", ["utf-7", "undefined", "idna", "raw_unicode_escape", '"gbk"', "no-such-codec", ""])
def test_another_encoding_is_refused(charset):
    assert status(f"multipart/form-data; boundary=x; charset={charset}") == 400


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/plain;charset=UTF-8", 'x; Charset="utf8"', "charset"])
def test_utf_8_is_read(content_type):
    assert status(content_type) == 200


@pytest.mark.parametrize(
    ("length", "answer"), [("", 200), ("12", 200), ("abc", 400), ("-1", 400), ("٣", 400), ("1" * 19, 400)]
)
def test_a_length_that_is_none_is_refused(length, answer):
    answered = []
    wrapped = OnlyUtf8(lambda environ, start_response: start_response("200 OK", []))
    wrapped({"CONTENT_LENGTH": length}, lambda line, headers: answered.append(line))
    assert int(answered[0].split()[0]) == answer
