"""Networks of one's own, as a project beside vaebench would hold them."""
