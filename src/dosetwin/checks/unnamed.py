"""What hospitals call newborns who have no name yet ("Baby girl"), word by word: such a name contradicts no other."""

PLACEHOLDERS = frozenset(
    {
        "baby", "babygirl", "babyboy", "bb", "bg", "girl", "boy", "infant", "newborn", "neonate", "nb", "male", "female", "twin",
        "triplet", "of", "unknown", "unnamed", "kind", "knabe", "maedchen", "madchen", "neugeborenes", "sohn", "tochter", "bebe",
        "fille", "garcon", "nino", "nina", "hijo", "hija", "rn", "mr", "ms", "jr",
    }
)  # fmt: skip
"""Of several languages, without accents; from how admission systems fill the field (assumed)."""
