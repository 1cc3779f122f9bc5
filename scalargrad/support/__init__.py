"""What every room uses: files written whole, pages that load nothing, the collector paused."""
