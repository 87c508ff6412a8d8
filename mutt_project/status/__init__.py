"""How MUTT itself is: each thing that may be wrong is one check, with its reason and how to mend it."""
