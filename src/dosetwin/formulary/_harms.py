"""What drugs that harm the same organ do together: warned of, and no number moved, because no size of the harm was found."""

from dosetwin.declare.interaction import Interaction

PLATINUM = Interaction(
    "nephrotoxic_ototoxic",
    "L01XA",  # cisplatin, carboplatin
    28 * 24.0,
    "both can harm kidney and hearing, and the harm may add up; the kidney's shows in the second week after cisplatin and keeps "
    "the antibiotic in",
    "another antibiotic where there is one; creatinine, magnesium and levels every day or two, and a hearing test",
    "labels of cisplatin (read: caution with other drugs that harm the kidney, second week) and of aminoglycosides (recalled); "
    "how much more often: not found; 28 d, a cycle: assumed",
)
NSAIDS = Interaction(
    "nephrotoxic_nsaid",
    ("M01A", "C01EB03", "C01EB16"),  # indometacin, ibuprofen as given to close a newborn's duct
    48.0,
    "an anti-inflammatory drug lowers what the kidney filters, which keeps the antibiotic in, and its harm to the kidney may "
    "add up",
    "creatinine every day, urine output, and a level before the next dose",
    "labels warn of it (recalled); models that read ibuprofen have its effect on clearance, else no number moves; 48 h: assumed",
)
BESIDE_AMINOGLYCOSIDES = (PLATINUM, NSAIDS)
