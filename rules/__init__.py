"""What an event means and for whom: rules, development hosts, device teams and the decision."""
