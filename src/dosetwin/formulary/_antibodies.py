"""What a very low trough of a drug against TNF asks for: antibodies decide between more of it and another drug."""

TITRE = (
    "measure antibodies; with a high titre switch (another drug of the class, or another class); with a low one or none record "
    "that there are none and ask again: a shorter interval or a larger dose, an immunomodulator beside it"
)
REACTIVE = (
    "BSG 2019, trough and antibodies decide between more, another anti-TNF and another class; AGA 2017 advises both where "
    "disease is active (both as in Albader 2021, World J Gastroenterol 27:6231, table 3, read)"
)
