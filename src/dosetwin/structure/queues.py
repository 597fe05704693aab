"""Waiting and refusal where arrivals are Poisson and servers (beds) are alike: Erlang's closed forms.

Offered load ``a`` = arrivals per h x mean stay in h (Erlang: beds that would be taken if there were no end of them).
Erlang 1917, "Solution of some problems in the theory of probabilities of significance in automatic telephone exchanges";
forms as in Gross and Harris, Fundamentals of Queueing Theory, chapter 2 (recalled).
"""

import math


def erlang_b(servers: int, load: float) -> float:
    """Share refused where who finds all ``servers`` taken goes away (M/G/c/c; holds for stays of any distribution).

    The recursion B(n) = a B(n-1) / (n + a B(n-1)), B(0) = 1. ``load`` >= 0.
    """
    b = 1.0
    for n in range(1, servers + 1):
        b = load * b / (n + load * b)
    return b


def erlang_c(servers: int, load: float) -> float:
    """Share that has to wait where everybody waits in turn (M/M/c, exponential stays); 1 where the load is not below the servers.

    C = B / (1 - (a / c)(1 - B)).
    """
    if load >= servers:
        return 1.0
    b = erlang_b(servers, load)
    return b / (1.0 - load / servers * (1.0 - b))


def waits_longer(servers: int, load: float, mean_stay: float, hours: float) -> float:
    """P(wait > ``hours``) of M/M/c: C exp(-(c - a) hours / mean stay); 1 where the load is not below the servers."""
    return 1.0 if load >= servers else erlang_c(servers, load) * math.exp(-(servers - load) * hours / mean_stay)


def mean_wait(servers: int, load: float, mean_stay: float) -> float:
    """Mean wait in h of M/M/c, over all who come: C mean_stay / (c - a); infinite where the load is not below the servers."""
    return math.inf if load >= servers else erlang_c(servers, load) * mean_stay / (servers - load)
