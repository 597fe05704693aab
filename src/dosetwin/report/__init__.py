"""What is shown: sentences, figures and self-contained HTML pages; the only place that plots."""
