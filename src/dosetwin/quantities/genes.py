"""What never changes beside the birth: sex, and genotypes as numbers of alleles."""

from dosetwin.quantities.quantity import Quantity

GENES = (
    Quantity("SEX", "sex", "1", "trait", low=0, high=1, shown=""),
    Quantity("CYP2C9_2", "CYP2C9*2 alleles", "1", "trait", low=0, high=2, shown=""),
    Quantity("CYP2C9_3", "CYP2C9*3 alleles", "1", "trait", low=0, high=2, shown=""),
    Quantity("VKORC1_A", "VKORC1 -1639 A alleles", "1", "trait", low=0, high=2, shown=""),
)
