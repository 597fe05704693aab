"""The event loop of a bed pool, compiled: every draw by itself, its recorded times sums of arrivals and stays."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _push(heap, n, x):
    """Put ``x`` among the ``n`` of a heap whose least is first; the new number of them."""
    i = n
    while i > 0:
        up = (i - 1) // 2
        if heap[up] <= x:
            break
        heap[i] = heap[up]
        i = up
    heap[i] = x
    return n + 1


@njit(cache=True, nogil=True)
def _pop(heap, n):
    """Take the least of ``n`` out; the new number of them."""
    n -= 1
    x, i = heap[n], 0
    while True:
        down = 2 * i + 1
        if down >= n:
            break
        if down + 1 < n and heap[down + 1] < heap[down]:
            down += 1
        if x <= heap[down]:
            break
        heap[i] = heap[down]
        i = down
    heap[i] = x
    return n


@njit(cache=True, nogil=True)
def _note(time, value, count, which, t, v):
    time[count[which]] = t
    value[count[which]] = v
    count[which] += 1


@njit(cache=True, nogil=True)
def play(
    begin, until, room, open0, change_t, change_n, leaves, inside_at, asked0, length0, queue_at, come, stay, come_at,
    count, left, asked_left, length_left, rest,
    taken_t, taken_v, waiting_t, waiting_v, open_t, open_v, share_t, share_v, wait_t, wait_v, refused_t, refused_v,
):  # fmt: skip
    """Play all draws; ``room`` -1: without end. ``events.run`` says what the arrays are."""
    for k in range(len(open0)):
        c = count[k]
        a0, a1 = come_at[k], come_at[k + 1]
        waits = queue_at[k + 1] - queue_at[k]
        most = inside_at[k + 1] - inside_at[k] + waits + a1 - a0
        heap = np.empty(most + 1)
        asked, length = np.empty(waits + a1 - a0), np.empty(waits + a1 - a0)
        n, first, last, beds = 0, 0, 0, open0[k]
        for i in range(inside_at[k], inside_at[k + 1]):
            n = _push(heap, n, leaves[i])
        for i in range(queue_at[k], queue_at[k + 1]):
            asked[last], length[last] = asked0[i], length0[i]
            last += 1
        _note(open_t[k], open_v[k], c, 2, begin, beds)
        _note(taken_t[k], taken_v[k], c, 0, begin, float(n))
        _note(waiting_t[k], waiting_v[k], c, 1, begin, float(last))
        serve, at, i, j, ended = last > 0, begin, a0, 0, False
        while True:
            if serve:  # beds that are free go to those who wait, in turn
                served = False
                while first < last and n < beds:
                    if asked[first] >= begin:  # who waited before the run began is no arrival of it
                        _note(wait_t[k], wait_v[k], c, 4, asked[first], at - asked[first])
                    n = _push(heap, n, at + length[first])
                    first += 1
                    served = True
                if not ended:
                    _note(taken_t[k], taken_v[k], c, 0, at, float(n))
                    if served:
                        _note(waiting_t[k], waiting_v[k], c, 1, at, float(last - first))
                serve = False
            goes = heap[0] if n > 0 else np.inf
            comes = come[i] if i < a1 else np.inf
            turns = change_t[j] if j < len(change_t) else np.inf
            if not ended and min(goes, comes, turns) >= until:
                ended = True
                _keep(heap, n, left[k])
                for q in range(first, last):
                    asked_left[k, q - first], length_left[k, q - first] = asked[q], length[q]
                rest[k, 0], rest[k, 1] = n, last - first
            if ended:  # only those who wait find out how long
                if first == last or n == 0 or beds <= 0:
                    break
                at, n, serve = goes, _pop(heap, n), True
            elif turns <= comes and turns <= goes:
                at, beds, serve = turns, change_n[j], True
                j += 1
                _note(open_t[k], open_v[k], c, 2, at, beds)
            elif goes <= comes:
                at, n, serve = goes, _pop(heap, n), True
            else:
                at = comes
                refused = 0.0
                if n < beds and first == last:
                    _note(wait_t[k], wait_v[k], c, 4, at, 0.0)
                    n = _push(heap, n, at + stay[i])
                    _note(taken_t[k], taken_v[k], c, 0, at, float(n))
                elif room < 0 or last - first < room:
                    asked[last], length[last] = at, stay[i]
                    last += 1
                    _note(waiting_t[k], waiting_v[k], c, 1, at, float(last - first))
                else:
                    refused = 1.0
                _note(refused_t[k], refused_v[k], c, 5, at, refused)
                i += 1
        for q in range(first, last):
            if asked[q] >= begin:
                _note(wait_t[k], wait_v[k], c, 4, asked[q], np.inf)
        _share(taken_t[k], taken_v[k], open_t[k], open_v[k], share_t[k], share_v[k], c)


@njit(cache=True, nogil=True)
def _keep(heap, n, out):
    """Those inside, by when they leave."""
    out[:n] = np.sort(heap[:n])


@njit(cache=True, nogil=True)
def _share(taken_t, taken_v, open_t, open_v, time, value, count):
    """Taken over open at each change of either; above 1 while closed beds are still taken, 1 where none is open."""
    i, j, taken, beds = 0, 0, 0.0, open_v[0]
    while i < count[0] or j < count[2]:
        if i < count[0] and (j >= count[2] or taken_t[i] <= open_t[j]):
            at, taken = taken_t[i], taken_v[i]
            i += 1
        else:
            at, beds = open_t[j], open_v[j]
            j += 1
        share = taken / beds if beds > 0 else (1.0 if taken > 0 else 0.0)
        _note(time, value, count, 3, at, share)
