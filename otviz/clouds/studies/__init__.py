"""What is done with a solved problem: convergence, sweeps over blur, gradient flows, other libraries."""
