"""The parts of `rd_report`: jobs and rows, measuring, tables, figures."""
