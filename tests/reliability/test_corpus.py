"""Every file of the fuzzing corpus, among them all that once did harm: read, or refused in one line."""

import pytest
from fuzz import CORPUS, READERS, try_reader

FILES = [(reader, file) for reader in READERS for file in sorted((CORPUS / reader).iterdir())]


@pytest.mark.parametrize(("reader", "file"), FILES, ids=[f"{reader}-{file.name}" for reader, file in FILES])
def test_a_file_is_read_or_refused(reader, file):
    try_reader(reader, file)


def test_each_reader_has_something_to_read():
    for reader, (suffix, _) in READERS.items():
        found = {file.name for name, file in FILES if name == reader and file.suffix == suffix}
        assert found, reader
    assert any(not try_reader(reader, file) for reader, file in FILES), "something is fine"
