"""Update rules, one optimizer a file; what is here is found, never listed."""

from simlab import family

family(__name__)
