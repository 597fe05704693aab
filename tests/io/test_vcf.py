"""A VCF read for star alleles: forms of one genotype, what is not written, other builds, damaged files."""

import gzip
import zlib
from pathlib import Path

import pytest

from dosetwin.errors import InputError
from dosetwin.io.gene_calls import genes_of
from dosetwin.io.vcf import read_vcf
from dosetwin.structure.genes import GeneCall, gene

from .vcfs import COLUMNS, HEAD, cyp3a5, vcf

REF = ("0/0",) * 5


def of(path: Path, name: str) -> GeneCall:
    return genes_of(path)[name]


def codes(call: GeneCall) -> set[str]:
    return {f.code for f in call.findings}


def test_a_gene_of_which_nothing_is_written_is_not_the_reference(tmp_path):
    call = of(cyp3a5(tmp_path, *REF), "TPMT")
    assert (call.diplotypes, call.phenotype, call.traits, call.source) == ((), None, {}, "")
    assert len(call.missing) == 43


@pytest.mark.parametrize("shape", ["./.", "0/.", "", "0/0/0", "0"])
def test_a_common_position_that_was_not_read_leaves_the_status_open(tmp_path, shape):
    call = of(cyp3a5(tmp_path, "0/0", "0/0", "0/0", shape, "0/0"), "CYP3A5")
    assert call.missing == ("rs776746",)
    assert (call.phenotype, call.traits) == (None, {})
    assert set(call.possible) == {"*1/*1", "*1/*3", "*3/*3"}
    assert "core_position_missing" in codes(call)


def test_a_status_that_no_missing_position_can_change_is_told(tmp_path):
    call = of(cyp3a5(tmp_path, "", "0/0", "0/0", "1/1", "0/0"), "CYP3A5")
    assert (call.diplotypes, call.phenotype, call.traits) == (("*3/*3",), "Poor Metabolizer", {"CYP3A5_1": 0.0})


def test_unphased_is_ambiguous_and_phased_is_not(tmp_path):
    two = ("chr6 18138997 rs1800460 C T {}", "chr6 18130687 rs1142345 T C {}", "chr6 18143724 rs1800462 C G 0/0")
    made = {gts: of(vcf(tmp_path, *(line.format(gt) for line, gt in zip(two, (*gts, ""), strict=True))), "TPMT")
            for gts in (("0/1", "0/1"), ("0|1", "0|1"), ("0|1", "1|0"))}  # fmt: skip
    assert made["0/1", "0/1"].diplotypes == ("*1/*3A", "*3B/*3C")
    assert made["0/1", "0/1"].phenotype == "Intermediate Metabolizer or Poor Metabolizer"
    assert "TPMT" not in made["0/1", "0/1"].traits
    assert made["0|1", "0|1"].diplotypes == ("*1/*3A",)
    assert (made["0|1", "1|0"].diplotypes, made["0|1", "1|0"].traits) == (("*3B/*3C",), {"TPMT": 0.0})


def test_positions_of_two_phase_sets_are_not_phased_together(tmp_path):
    two = ("chr6 18138997 . C T 0|1:7 PASS . GT:PS", "chr6 18130687 . T C 0|1:9 PASS . GT:PS", "chr6 18143724 . C G 0/0")
    assert of(vcf(tmp_path, *two), "TPMT").diplotypes == ("*1/*3A", "*3B/*3C")


@pytest.mark.parametrize(
    "line",
    [
        "chr10 94949281 rs9332131 GA G 0/1",  # as CPIC writes *6
        "chr10 94949282 . AA A 0/1",  # not left-aligned
        "chr10 94949280 . AGA AG 0/1",  # with bases that do not change
        "chr10 94949281 . GAA GA,GAAA 0/1",  # beside another allele nobody has
        "10 94949281 . ga g 1/0",  # chromosome without chr, lower case
    ],
)
def test_a_deletion_is_found_however_it_is_written(tmp_path, line):
    rest = [f"chr10 {p} . {r} {a} 0/0" for p, r, a in ((94942290, "C", "T"), (94981296, "A", "C"), (94981301, "C", "G"),
                                                       (94942309, "G", "A"), (94981224, "C", "T"))]  # fmt: skip
    call = of(vcf(tmp_path, line, *rest), "CYP2C9")
    assert (call.diplotypes, call.activity, call.phenotype) == (("*1/*6",), 1.0, "Intermediate Metabolizer")


def test_an_insertion_and_a_repeat_are_found_shifted_right(tmp_path):
    seven = of(cyp3a5(tmp_path, "", "0/0", "0/0", "0/0", "0/0"), "CYP3A5")
    assert "rs41303343" in seven.missing
    lines = [line.format("0/0") for line in ("chr7 99660516 . C T {}", "chr7 99665212 . C T {}", "chr7 99672916 . T C {}")]
    assert of(vcf(tmp_path, "chr7 99652771 . A AA 0/1", *lines), "CYP3A5").diplotypes == ("*1/*7",)
    repeat = "chr13 48037788 . C CGGAGTC 0/1"
    assert of(vcf(tmp_path, repeat, "chr13 48045719 . C T 0/0"), "NUDT15").diplotypes == ("*1/*6",)


def test_several_bases_in_one_record_are_taken_one_by_one(tmp_path):
    lines = [line.format("0/0") for line in ("chr7 99652770 . T TA {}", "chr7 99660516 . C T {}", "chr7 99665212 . C T {}")]
    assert of(vcf(tmp_path, *lines, "chr7 99672915 . GT GC 0/1"), "CYP3A5").diplotypes == ("*1/*3",)


def test_alternates_of_one_site_in_two_lines_are_one_genotype(tmp_path):
    lines = ["chr10 94942309 . G A 0/1", "chr10 94942309 . G T 0/1"]
    call = of(vcf(tmp_path, *lines), "CYP2C9")
    assert "rs7900194" not in call.missing
    assert not {"records_contradict"} & codes(call)
    both = of(vcf(tmp_path, "chr10 94942309 . G A 0/1", "chr10 94942309 . G A 0/0"), "CYP2C9")
    assert "rs7900194" in both.missing
    assert "records_contradict" in codes(both)


def test_a_gvcf_block_reads_every_position_in_it(tmp_path):
    block = "chr16 31096000 . A <NON_REF> 0/0:30:60 PASS END=31097000 GT:DP:GQ"
    assert of(vcf(tmp_path, block), "VKORC1").traits == {"VKORC1_A": 0.0}
    unread = block.replace("0/0:30:60", "0/0:0:0")
    assert (of(vcf(tmp_path, unread), "VKORC1").diplotypes, codes(of(vcf(tmp_path, unread), "VKORC1"))) == ((), {"low_quality"})


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("chr16 31096368 . C T 0/1 LowQual", "filtered"),
        ("chr16 31096368 . C T 0/1:7 PASS . GT:GQ", "low_quality"),
        ("chr16 31096368 . C <DEL> 0/1", "symbol"),
        ("chr16 31096368 . C * 0/1", "symbol"),
        ("chr16 31096368 . C T ./1", "half_called"),
        ("chr16 31096368 . C T 1", "copies"),
        ("chr16 31096368 . C A 0/1", "allele_undocumented"),
    ],
)
def test_a_call_that_cannot_be_used_is_none_and_says_why(tmp_path, line, code):
    call = of(vcf(tmp_path, line), "VKORC1")
    assert call.diplotypes == ()
    assert code in codes(call)


def test_a_rare_allele_that_was_not_looked_for_is_listed_and_does_not_undo_what_was_found(tmp_path):
    """*18 and *68 are *3 and one base more: without it all explain the genotypes, and the status is that of *3."""
    lines = [f"chr10 {p} . {r} {a} 0/0" for p, r, a in ((94942290, "C", "T"), (94949281, "GA", "G"), (94981301, "C", "G"),
                                                        (94942309, "G", "A"), (94981224, "C", "T"))]  # fmt: skip
    call = of(vcf(tmp_path, "chr10 94981296 . A C 0/1", *lines), "CYP2C9")
    assert call.diplotypes == ("*1/*3", "*1/*18", "*1/*68")
    assert "*18" in call.open
    assert call.traits == {"CYP2C9_2": 0.0, "CYP2C9_3": 1.0, "CYP2C9_AS": 1.0}


# ------------------------------------------------------------------------------------------------------- mitochondrial DNA


@pytest.mark.parametrize("name", ["chrM", "MT", "M", "chrMT"])
@pytest.mark.parametrize(("pos", "ref", "alt"), [(1555, "A", "G"), (1494, "C", "T"), (1095, "T", "C")])
def test_each_risk_variant_is_a_risk_whatever_else_was_read(tmp_path, name, pos, ref, alt):
    call = of(vcf(tmp_path, f"{name} {pos} . {ref} {alt} 1"), "MT-RNR1")
    assert call.diplotypes == (f"m.{pos}{ref}>{alt}",)
    assert (call.phenotype, call.traits) == ("increased risk of aminoglycoside-induced hearing loss", {"MT_RNR1": 2.0})


def test_mitochondrial_reference_is_told_only_where_all_three_were_read(tmp_path):
    three = ["chrM 1095 . T . 0", "chrM 1494 . C . 0", "chrM 1555 . A . 0"]
    assert of(vcf(tmp_path, *three), "MT-RNR1").traits == {"MT_RNR1": 0.0}
    two = of(vcf(tmp_path, *three[:2]), "MT-RNR1")
    assert (two.phenotype, two.traits, codes(two)) == (None, {}, {"core_position_missing"})
    assert of(vcf(tmp_path, *three, "chrM 827 . A G 1"), "MT-RNR1").diplotypes == ("m.827A>G",)
    assert of(vcf(tmp_path, *three, "chrM 827 . A G 1"), "MT-RNR1").traits == {"MT_RNR1": 0.0}
    assert of(vcf(tmp_path, *three, "chrM 663 . A G 1"), "MT-RNR1").traits == {"MT_RNR1": 1.0}
    assert of(vcf(tmp_path, *three, "chrM 956 . CC C 1"), "MT-RNR1").diplotypes == ("m.960C>del",)


@pytest.mark.parametrize("sample", ["0/1:80,20", "0:80,20", "0/1:92,8"])
def test_a_share_of_the_copies_counts_and_is_told(tmp_path, sample):
    call = of(vcf(tmp_path, f"chrM 1555 . A G {sample} PASS . GT:AD"), "MT-RNR1")
    assert call.traits == {"MT_RNR1": 2.0}
    assert codes(call) == {"heteroplasmy"}
    assert call.to_json()["share"] == pytest.approx(0.08 if "92" in sample else 0.2)


def test_a_mitochondrial_reference_without_reads_is_none(tmp_path):
    lines = [f"chrM {p} . {r} <NON_REF> 0:0 PASS . GT:DP" for p, r in ((1095, "T"), (1494, "C"), (1555, "A"))]
    assert of(vcf(tmp_path, *lines), "MT-RNR1").traits in ({}, None)


def test_a_share_below_the_noise_is_none(tmp_path):
    assert of(vcf(tmp_path, "chrM 1555 . A G 0:99,1 PASS . GT:AD"), "MT-RNR1").phenotype is None


# ------------------------------------------------------------------------------------------------- files that are not right


@pytest.mark.parametrize(
    ("head", "line", "says"),
    [
        ("##reference=file:///refs/human_g1k_v37.fasta\n", "chr16 31107689 rs9923231 C T 0/1", "not GRCh38.*human_g1k_v37"),
        ("##contig=<ID=chr16,length=90354753>\n", "chr16 31107689 . C T 0/1", "not GRCh38.*GRCh37"),
        ("##contig=<ID=16,length=90228345>\n", "16 31107689 . C T 0/1", "not GRCh38.*neither"),
        ("##contig=<ID=chrM,length=16571>\n", "chrM 1556 . A G 1", "revised Cambridge"),
        ("", "chr16 31107689 rs9923231 C T 0/1", "chromosome build|genome build is not said.*not|genome build is not said"),
        ("", "chr16 31096368 . C T 0/1", "genome build is not said"),
        ("##reference=hg38\n", "chr16 31096368 . G A 0/1", "reference base is another.*found 'G at chr16:31096368'.*C \\(GRCh38"),
    ],
)  # fmt: skip
def test_another_build_is_refused_by_name(tmp_path, head, line, says):
    with pytest.raises(InputError, match=says):
        read_vcf(vcf(tmp_path, line, head="##fileformat=VCFv4.2\n" + head))


def test_one_damaged_record_among_many_is_not_used_and_named(tmp_path):
    good = [f"chr10 {p.at} . {p.ref} {','.join(p.alts)} 0/0" for p in gene("CYP2C9").positions]
    bad = [line.replace(" C ", " G ", 1) if " 94942290 " in line else line for line in good]
    call = of(vcf(tmp_path, *bad), "CYP2C9")
    assert (call.missing, call.phenotype) == (("rs1799853",), None)
    assert "reference_differs" in codes(call)


def test_rsids_at_their_place_say_the_build(tmp_path):
    path = vcf(tmp_path, "chr16 31096368 rs9923231 C T 0/1", head="##fileformat=VCFv4.2\n")
    assert of(path, "VKORC1").phenotype == "-1639 AG"


def test_several_samples_need_a_name(tmp_path):
    path = vcf(tmp_path, "chr16 31096368 . C T 0/1\t1/1".replace("\t", "|TAB|"), samples="ONE\tTWO")
    path.write_text(path.read_text().replace("|TAB|", "\t"))
    with pytest.raises(InputError, match=r"several samples.*ONE, TWO.*--sample"):
        read_vcf(path)
    with pytest.raises(InputError, match=r"no such sample.*'THREE'"):
        read_vcf(path, "THREE")
    assert genes_of(path, None, "TWO")["VKORC1"].phenotype == "-1639 AA"


def test_a_compressed_file_is_read_and_a_cut_one_refused(tmp_path):
    plain = cyp3a5(tmp_path, *REF)
    text = plain.read_bytes()
    packed = tmp_path / "one.vcf.gz"
    packed.write_bytes(gzip.compress(text))
    assert of(packed, "CYP3A5").diplotypes == ("*1/*1",)
    packed.write_bytes(gzip.compress(text)[:-30])
    with pytest.raises(InputError, match="cut off"):
        read_vcf(packed)
    body = zlib.compressobj(wbits=-15)
    raw = body.compress(text) + body.flush()
    block = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + (len(raw) + 25).to_bytes(2, "little") + raw
    block += zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little")
    end = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    packed.write_bytes(block + end)
    assert of(packed, "CYP3A5").diplotypes == ("*1/*1",)
    packed.write_bytes(block)
    with pytest.raises(InputError, match="end mark is missing"):
        read_vcf(packed)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no #CHROM line"),
        ("hello\n", "no #CHROM line before"),
        ("##fileformat=VCFv4.2\n", "no #CHROM line"),
        ("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n", "no genotypes"),
        (HEAD + COLUMNS + "\tONE\nchr16\tx\t.\tC\tT\t.\tPASS\t.\tGT\t0/1\n", r"one.vcf:4: POS is not a whole number; found 'x'"),
        (HEAD + COLUMNS + "\tONE\nchr16\t31096368\t.\tC\n", "too few columns"),
        (HEAD + COLUMNS + "\tONE\nchr16\t31096368\t.\tC\tT\t.\tPASS\t.\tGT\t0/9\n", "an allele that the record does not have"),
        (HEAD + COLUMNS + "\tONE\nchr16\t31096368\t.\tC\tT\t.\tPASS\t.\tGT\tA/B\n", "not a genotype"),
        (HEAD + COLUMNS + "\tONE\nchr16\t31096368\t.\tC\tX\t.\tPASS\t.\tGT\t0/1\n", "ALT is not bases"),
        (HEAD + COLUMNS + "\tONE\tONE\n", "two samples of one name"),
        ("BCF\x02\x02", "a BCF file"),
    ],
)
def test_what_is_no_vcf_is_refused_with_its_place(tmp_path, text, says):
    path = tmp_path / "one.vcf"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        read_vcf(path)
