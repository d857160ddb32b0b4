import zlib

import pytest

from common.data.document import Damage, Document, read_jsonl, write_jsonl

DOCUMENTS = [
    Document("a", "http://town.example/a", "Ein Café.\n\n\u2028“Two”", {"label": "clean", "n": 3}),
    Document("b", "http://town.example/b", ""),
]


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.jsonl.gz"])
def test_jsonl_gives_back_what_was_written(tmp_path, name):
    assert write_jsonl(iter(DOCUMENTS), tmp_path / name) == 2
    assert list(read_jsonl(tmp_path / name)) == DOCUMENTS


def test_jsonl_is_one_plain_json_object_a_line(tmp_path):
    write_jsonl(DOCUMENTS[1:], tmp_path / "docs.jsonl")
    expected = b'{"id": "b", "url": "http://town.example/b", "text": "", "meta": {}}\n'
    assert (tmp_path / "docs.jsonl").read_bytes() == expected


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.jsonl.gz"])
def test_jsonl_same_documents_give_the_same_bytes(tmp_path, name):
    (tmp_path / "other").mkdir()
    write_jsonl(DOCUMENTS, tmp_path / name)
    write_jsonl(DOCUMENTS, tmp_path / "other" / name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_write_jsonl_puts_neither_time_nor_name_into_the_gzip_header(tmp_path):
    write_jsonl(DOCUMENTS, tmp_path / "docs.jsonl.gz")
    header = (tmp_path / "docs.jsonl.gz").read_bytes()[:10]
    assert (header[3], header[4:8]) == (0, bytes(4))


def test_write_jsonl_failing_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "docs.jsonl.gz"
    write_jsonl(DOCUMENTS, path)

    def failing():
        yield DOCUMENTS[0]
        raise RuntimeError("the crawl broke")

    with pytest.raises(RuntimeError, match="the crawl broke"):
        write_jsonl(failing(), path)
    assert list(read_jsonl(path)) == DOCUMENTS
    assert [file.name for file in tmp_path.iterdir()] == ["docs.jsonl.gz"]


@pytest.mark.parametrize("line", ["not json", '{"id": "a"}', "[1, 2]", '{"id": 1, "zzz": 2}'])
def test_read_jsonl_names_file_and_line_of_what_is_no_document(tmp_path, line):
    path = tmp_path / "docs.jsonl"
    write_jsonl(DOCUMENTS, path)
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(ValueError, match=r"docs\.jsonl line 3 is not a document"):
        list(read_jsonl(path))


def test_read_jsonl_names_a_file_that_is_cut_off(tmp_path):
    path = tmp_path / "docs.jsonl.gz"
    write_jsonl(DOCUMENTS, path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"docs\.jsonl\.gz breaks off after line"):
        list(read_jsonl(path))


def test_read_jsonl_lists_damaged_lines_and_reads_on(tmp_path):
    path = tmp_path / "docs.jsonl"
    write_jsonl(DOCUMENTS, path)
    first, second = path.read_bytes().splitlines(keepends=True)
    deep = b"[" * 100_000
    bad = [b"{", b"\xff", b"[1]", deep, b'{"id": "a", "url": "b", "text": 3, "meta": {}}']
    path.write_bytes(b"\n".join([first.strip(), *bad, b"", second]))
    damage = []
    assert list(read_jsonl(path, damage=damage)) == DOCUMENTS
    assert len(damage) == len(bad)
    assert damage[0] == Damage(len(first), damage[0].reason)
    assert damage[-1].reason == "its text is 3, not a string"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.8])
def test_read_jsonl_gives_every_line_before_the_place_where_a_file_breaks(tmp_path, kept):
    path, documents = tmp_path / "docs.jsonl.gz", [Document(str(n), "", "x") for n in range(5000)]
    write_jsonl(documents, path)
    data = path.read_bytes()
    cut = int(len(data) * kept)
    path.write_bytes(data[:cut] + bytes(40) + data[cut + 40 :])
    damage = []
    given = list(read_jsonl(path, damage=damage))
    known = zlib.decompressobj(31).decompress(data[:cut]).count(b"\n")
    assert given[:known] == documents[:known]
    assert len(damage) >= 1


def test_read_jsonl_passes_over_a_line_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("common.data._lines._MAX_LINE_BYTES", 2_000_000)
    path = tmp_path / "docs.jsonl"
    write_jsonl(DOCUMENTS, path)
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"x" * 9_000_000 + b"\n" + second)
    damage = []
    assert list(read_jsonl(path, damage=damage)) == DOCUMENTS
    assert damage == [Damage(len(first), "a line is over 2000000 bytes")]


def test_read_jsonl_loses_one_line_with_a_broken_member_of_its_own(tmp_path):
    path, documents = tmp_path / "docs.jsonl.gz", [Document(str(n), "", "x" * 99) for n in range(3)]
    members = []
    for document in documents:
        write_jsonl([document], path)
        members.append(path.read_bytes())
    broken = members[1][:-12] + bytes(4) + members[1][-8:]
    path.write_bytes(members[0] + broken + members[2])
    damage = []
    assert list(read_jsonl(path, damage=damage)) == [documents[0], documents[2]]
    assert len(damage) == 1


def test_jsonl_gives_back_half_a_surrogate_pair(tmp_path):
    odd = Document("\ud83d", "http://x/\ude00", "cut \ud83d", {"title": "\udc80 é", "\ud800": 1})
    write_jsonl([odd], tmp_path / "docs.jsonl")
    assert list(read_jsonl(tmp_path / "docs.jsonl")) == [odd]
