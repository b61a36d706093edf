"""The parts of the place that shows reports: what is looked for, its lines, and how one reads them."""
