"""Files, frames and databases as raw tables: every cell as it stands, with its line."""
