"""What a damaged WARC file costs: never more than the records that the damage touches."""

import gzip
import itertools
import zlib
from random import Random

import pytest

from common.data import _members
from common.data.warc import Damage, WarcPage, read_warc, write_warc
from tests.data.mutants import HANG_S, Watch, gzipped, mutate

MUTANTS = 600  # for each of the tests below, of which there are nine
WORDS = "the baker of our town sold half a loaf for 3 pence and she ate what was left".split()


def _page(number: int) -> WarcPage:
    words = Random(number).choices(WORDS, k=number % 4 * 30)
    headers = {"content-type": "text/html", "x-number": str(number)}
    body = f"<p>{' '.join(words)} {number}".encode()
    return WarcPage(f"http://town.example/{number}", 200, headers, body)


PAGES = [_page(number) for number in range(7)]
INFO = (
    b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:0>\r\n"
    b"Content-Type: application/warc-fields\r\nContent-Length: 14\r\n\r\nsoftware: test\r\n\r\n"
)


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> list[bytes]:
    """The records of a small crawl; before every third page stands one that is no page."""
    path, found = tmp_path_factory.mktemp("crawl") / "one.warc", []
    for number, page in enumerate(PAGES):
        write_warc([page], path)
        found += [INFO] * (number % 3 == 0) + [path.read_bytes()]
    return found


def _read(tmp_path, data: bytes, **options) -> tuple[list[WarcPage], list[Damage]]:
    (tmp_path / "crawl.warc").write_bytes(data)
    damage: list[Damage] = []
    return list(read_warc(tmp_path / "crawl.warc", damage=damage, **options)), damage


def _unharmed(units: list[bytes], begin: int, end: int) -> list[WarcPage]:
    """The pages whose records lie outside bytes [begin, end) of the file that the units make."""
    pages, place, found = iter(PAGES), 0, []
    for unit in units:
        record = gzip.decompress(unit) if unit[:2] == b"\x1f\x8b" else unit
        page = next(pages) if record != INFO else None
        if page and (place + len(unit) <= begin or place >= end):
            found.append(page)
        place += len(unit)
    return found


def _is_made_of(units: list[bytes], data: bytes) -> bool:
    for unit in units:
        data = data.removeprefix(unit)
    return not data.strip(b"\0")  # zeros at the end of a file are no damage


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("zipped", [True, False], ids=["zipped", "plain"])
def test_mutants_cost_no_more_than_the_records_that_were_touched(tmp_path, records, zipped, seed):
    units = [gzipped(record) for record in records] if zipped else records
    whole, dice, watch = b"".join(units), Random(seed), Watch()
    for _ in range(MUTANTS):
        mutant, begin, end = mutate(dice, whole)
        with watch:
            pages, damage = _read(tmp_path, mutant)
        wanted = _unharmed(units, begin, end)
        assert [page for page in pages if page in wanted] == wanted, (begin, end, damage)
        changed = [page for page in pages if page not in PAGES]
        assert len(changed) <= len(PAGES) - len(wanted), "a page came of nothing"
        # The front of one record's headers and the rest of another's can make a whole record.
        is_glued = not zipped and len(mutant) < len(whole)
        if len(pages) < len(PAGES) and not damage and not is_glued:
            assert _is_made_of(units, mutant), "a part of a record vanished without a word"
    assert watch.slowest < HANG_S


def test_mutants_of_records_zipped_anew_cost_no_neighbour(tmp_path, records):
    dice, watch = Random(3), Watch()
    for _ in range(MUTANTS):
        number = dice.randrange(len(records))
        mutant = mutate(dice, records[number])[0]
        units = [*records[:number], mutant, *records[number + 1 :]]
        with watch:
            pages, _ = _read(tmp_path, b"".join(gzipped(unit, 1) for unit in units))
        wanted = [page for page, unit in _named(records) if unit != number]
        assert [page for page in pages if page in wanted] == wanted
    assert watch.slowest < HANG_S


def _named(records: list[bytes]) -> list[tuple[WarcPage, int]]:
    """Each page and the number of its record."""
    numbers = [number for number, record in enumerate(records) if record != INFO]
    return list(zip(PAGES, numbers, strict=True))


def test_mutants_of_a_file_in_one_member_keep_what_stands_before_the_damage(tmp_path, records):
    whole, dice, watch = gzipped(b"".join(records)), Random(4), Watch()
    ends = list(itertools.accumulate(len(record) for record in records))
    bodies = {page.body for page in PAGES}
    for _ in range(MUTANTS):
        mutant, begin, _ = mutate(dice, whole)
        with watch:
            pages, damage = _read(tmp_path, mutant)
        known = len(zlib.decompressobj(31).decompress(whole[:begin]))
        wanted = [page for page, number in _named(records) if ends[number] <= known]
        assert pages[: len(wanted)] == wanted, (begin, damage)
        changed = [page for page in pages if page.body not in bodies]
        assert damage or not changed, "a page was changed without a word"
        assert len(changed) <= 1  # what damages its text and the digest of it as well
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("zipped", [True, False], ids=["zipped", "plain"])
def test_mutants_read_in_parts_are_the_same_as_in_one(tmp_path, records, zipped):
    units = [gzipped(record) for record in records] if zipped else records
    whole, dice = b"".join(units), Random(5)
    for _ in range(MUTANTS // 2):
        mutant = mutate(dice, whole)[0]
        in_one = _read(tmp_path, mutant)
        cuts = [0, *sorted(dice.choices(range(1, len(whole)), k=3)), None]
        parts = [_read(tmp_path, mutant, start=a, end=b) for a, b in itertools.pairwise(cuts)]
        assert tuple(sum(lists, []) for lists in zip(*parts, strict=True)) == in_one, cuts


@pytest.mark.parametrize("wrapped", ["gzip", "deflate"])
def test_mutants_of_wrapped_bodies_give_a_page_or_damage(tmp_path, wrapped):
    body = PAGES[3].body * 5
    zipped = gzipped(body) if wrapped == "gzip" else zlib.compress(body)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(zipped), zipped)
    dice, watch = Random(6), Watch()
    headers = {"transfer-encoding": "chunked", "content-encoding": wrapped}
    for _ in range(MUTANTS):
        page = WarcPage("http://x/", 200, headers, mutate(dice, chunks)[0])
        write_warc([page, PAGES[0]], tmp_path / "two.warc")
        damage: list[Damage] = []
        with watch:
            pages = list(read_warc(tmp_path / "two.warc", damage=damage, max_bytes=100_000))
        assert pages[-1] == PAGES[0]
        assert len(pages) + len(damage) == 2
    assert watch.slowest < HANG_S


@pytest.mark.parametrize(
    "flood",
    [
        b"WARC/1.0\r\n",
        b"WARC/1.0\n",
        b"WARC/1.0\r\n" + b" WARC/1.0\r\n" * 5900 + b"\r\n",
        b"WARC/1.0\r\n" + b" WARC/1.0\r\n" * 5900 + b"no header\r\n\r\n",
        b"WARC/1.0\r\n" + b"WARC-Record-ID: WARC/1.0\r\n" * 2500 + b"\r\n",
        b"WARC/1.0\r\n" + b" WARC/1.0\r\n" * 5900 + b"Content-Length: 70\r\n\r\n",
    ],
    ids=["lines", "bare lines", "no length", "no header", "twice", "wrong length"],
)
def test_a_flood_of_beginnings_costs_no_neighbour_and_no_minutes(tmp_path, records, flood):
    watch = Watch()
    with watch:
        pages, _ = _read(tmp_path, flood * (1_000_000 // len(flood)) + b"".join(records))
    assert pages == PAGES
    assert watch.slowest < HANG_S


def test_a_flood_of_records_that_all_end_in_the_same_place_costs_no_minutes(tmp_path, records):
    head = b"WARC/1.0\r\nWARC-Block-Digest: sha1:0\r\nContent-Length: %07d\r\n\r\n"
    size = len(head % 0)
    flood = b"".join(head % (number * size) for number in reversed(range(1_000_000 // size)))
    watch = Watch()
    with watch:
        pages, _ = _read(tmp_path, flood + b"\r\n\r\n" + b"".join(records))
    assert pages == PAGES
    assert watch.slowest < HANG_S


def test_a_flood_of_records_that_claim_the_rest_of_the_file_costs_no_minutes(tmp_path, records):
    claims, watch = b"WARC/1.0\r\nContent-Length: 45000000\r\n\r\n" * 100_000, Watch()
    with watch:
        pages, _ = _read(tmp_path, gzipped(INFO * 2 + claims + b"".join(records)))
    assert pages == PAGES
    assert watch.slowest < HANG_S


@pytest.mark.parametrize(
    ("bomb", "count"),
    [(b"WARC/1.0\r\n" * 900_000, 1), (b"WARC/1.0\r\n" * 30_000, 30)],
    ids=["beginnings", "beginnings in many members"],
)
def test_a_flood_of_what_bombs_unfold_to_costs_no_neighbour_and_no_minutes(
    tmp_path, records, bomb, count
):
    zipped, watch = b"".join(map(gzipped, records)), Watch()
    flood = gzipped(bomb) * count
    with watch:
        pages, damage = _read(tmp_path, zipped + flood + zipped)
    assert (pages, len(damage)) == (PAGES * 2, 1)
    assert watch.slowest < HANG_S


def test_records_that_are_zipped_to_a_hundredth_are_no_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(_members, "_BOMB_BYTES", 0)
    pages = [WarcPage("http://x/", 200, {}, bytes(300_000))] * 20
    write_warc(pages, tmp_path / "a.warc")
    whole = (tmp_path / "a.warc").read_bytes()
    for zipped in (gzipped(whole), gzipped(whole[: len(whole) // 20]) * 20):
        assert _read(tmp_path, zipped, max_bytes=400_000) == (pages, [])


GZIP = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"


@pytest.mark.parametrize(
    ("flood", "is_told_apart"),
    [
        (GZIP + b"\0\xff\xff\0\0", True),
        (GZIP + b"\0\xfa\xff\5\0", True),
        (GZIP + b"\0\xff\xff\0\0WARC/1.0\r\n", False),
    ],
    ids=["blocks", "blocks that go on in the next", "blocks that begin as records do"],
)
def test_a_flood_of_members_inside_of_members_costs_no_minutes(
    tmp_path, records, flood, is_told_apart
):
    zipped, watch = b"".join(map(gzipped, records)), Watch()
    with watch:
        pages, _ = _read(tmp_path, zipped + flood * (1_000_000 // len(flood)) + zipped)
    assert pages == PAGES * (1 + is_told_apart)
    assert watch.slowest < HANG_S


def test_a_record_that_claims_thousands_of_members_costs_no_minutes(tmp_path, records):
    zipped, watch = b"".join(map(gzipped, records)), Watch()
    long = gzipped(b"WARC/1.0\r\nContent-Length: 49999999\r\n\r\n")
    with watch:
        pages, _ = _read(tmp_path, zipped + long + gzipped(bytes(3500)) * 10_000 + zipped)
    assert pages == PAGES * 2
    assert watch.slowest < HANG_S


@pytest.mark.parametrize("planted", [b"WARC/", b"WARC/1.0\r\n", b"WARC/1.0\r\n\x1f\x8b"])
def test_the_name_of_a_record_does_not_make_a_zipped_file_a_plain_one(tmp_path, records, planted):
    zipped = list(map(gzipped, records))
    zipped[0] = planted + zipped[0][20:]
    assert _read(tmp_path, b"".join(zipped))[0] == PAGES


def test_half_a_gzip_header_before_a_member_costs_no_neighbour(tmp_path, records):
    zipped = list(map(gzipped, records))
    for half in (b"\x1f", b"\x1f\x8b", b"\x1f\x8b\x08", b"\x1f\x8b\x08\0", GZIP):
        pages, damage = _read(tmp_path, b"".join([*zipped[:3], b"junk" + half, *zipped[3:]]))
        assert (pages, len(damage)) == (PAGES, 1), half


@pytest.mark.parametrize("place", [0.01, 0.3, 0.6, 0.99])
def test_damage_in_a_member_of_megabytes_costs_that_member(tmp_path, place):
    dice, sizes = Random(7), enumerate([10, 3_000_000, 10, 2000])
    pages = [WarcPage(f"http://x/{n}", 200, {}, dice.randbytes(size)) for n, size in sizes]
    write_warc(pages, tmp_path / "big.warc.gz")
    data = bytearray((tmp_path / "big.warc.gz").read_bytes())
    data[int(place * len(data))] ^= 1
    read = _read(tmp_path, bytes(data))[0]
    lost = [number for number, page in enumerate(pages) if page not in read]
    assert lost == [1]
    assert read == [page for page in pages if page != pages[1]]
