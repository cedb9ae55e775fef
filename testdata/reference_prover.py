"""An independent twin of the prover, written from docs/protocol.md alone, for tiny circuits and KNOWN setup secrets.

With the secrets known a commitment [f] is the value f(tx, ty) times the generator, so the whole protocol runs on values
and the verifier's equations can be compared with the polynomials they stand for. The circuit has one row (pair) of every
gate, random values and random wiring. Standard library only.

    python3 testdata/reference_prover.py contracts/test/fixtures

writes one JSON file per case, for the contract at the address where an anvil node's first account deploys first. Nothing here is fast or secret; it produces test vectors.
"""

import hashlib
import json
import os
import sys

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
QF = 21888242871839275222246405745257275088696311157297823662689037894645226208583
MASK = (1 << 64) - 1

# ---------------------------------------------------------------------------------------------------------- Keccak-256


def _round_constants():
    state, constants = 1, []
    for _ in range(24):
        word = 0
        for j in range(7):
            if state & 1:
                word ^= 1 << ((1 << j) - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        constants.append(word)
    return constants


_RC = _round_constants()


def _rotate(value, count):
    count %= 64
    return ((value << count) | (value >> (64 - count))) & MASK if count else value


def _permute(lanes):
    for constant in _RC:
        parity = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        theta = [parity[(x + 4) % 5] ^ _rotate(parity[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lanes[i] ^ theta[i % 5] for i in range(25)]
        x, y, current = 1, 0, lanes[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x + 5 * y] = lanes[x + 5 * y], _rotate(current, (step + 1) * (step + 2) // 2)
        lanes = [
            lanes[5 * y + x] ^ (~lanes[5 * y + (x + 1) % 5] & lanes[5 * y + (x + 2) % 5]) for y in range(5) for x in range(5)
        ]
        lanes[0] ^= constant
    return lanes


def keccak(data):
    data = bytearray(data)
    data += b"\x01" + bytes(135 - len(data) % 136)
    data[-1] |= 0x80
    lanes = [0] * 25
    for start in range(0, len(data), 136):
        for i in range(17):
            lanes[i] ^= int.from_bytes(data[start + 8 * i : start + 8 * i + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


# ------------------------------------------------------------------------------------------------------------ the curve


def _add(p, q, zero, double_slope):
    """Affine addition over any field whose elements know + - * and inv()."""
    if p is None:
        return q
    if q is None:
        return p
    if p[0] == q[0]:
        if p[1] + q[1] == zero:
            return None
        slope = double_slope(p)
    else:
        slope = (q[1] - p[1]) * (q[0] - p[0]).inv()
    x = slope * slope - p[0] - q[0]
    return (x, slope * (p[0] - x) - p[1])


class Base:
    """An element of the base field, or of its quadratic extension by i with i^2 = -1."""

    def __init__(self, a, b=0):
        self.a, self.b = a % QF, b % QF

    def __add__(self, o):
        return Base(self.a + o.a, self.b + o.b)

    def __sub__(self, o):
        return Base(self.a - o.a, self.b - o.b)

    def __mul__(self, o):
        return Base(self.a * o.a - self.b * o.b, self.a * o.b + self.b * o.a)

    def __eq__(self, o):
        return self.a == o.a and self.b == o.b

    def inv(self):
        n = pow(self.a * self.a + self.b * self.b, -1, QF)
        return Base(self.a * n, -self.b * n)


def multiply(point, scalar):
    def slope(p):
        return Base(3) * p[0] * p[0] * (Base(2) * p[1]).inv()

    total = None
    for bit in bin(scalar % R)[2:]:
        total = _add(total, total, Base(0), slope)
        if bit == "1":
            total = _add(total, point, Base(0), slope)
    return total


G1 = (Base(1), Base(2))
G2 = (
    Base(
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    Base(
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def word(value):
    return int(value).to_bytes(32, "big")


def commit(value):
    """[f] from f(tx, ty), as two words."""
    point = multiply(G1, value)
    return bytes(64) if point is None else word(point[0].a) + word(point[1].a)


def commit_g2(value):
    x, y = multiply(G2, value)
    return word(x.b) + word(x.a) + word(y.b) + word(y.a)


# ------------------------------------------------------------------------------------------------- fields, polynomials


def inv(x):
    return pow(x % R, -1, R)


def root(order):
    """The generator of the subgroup of that order: rho^(2^28 / order)."""
    return pow(pow(5, (R - 1) >> 28, R), (1 << 28) // order, R)


def ntt(values, omega):
    if len(values) == 1:
        return values
    even, odd = ntt(values[0::2], omega * omega % R), ntt(values[1::2], omega * omega % R)
    out, half, power = [0] * len(values), len(values) // 2, 1
    for i in range(half):
        t = power * odd[i] % R
        out[i], out[i + half], power = (even[i] + t) % R, (even[i] - t) % R, power * omega % R
    return out


def interpolate(values):
    n = len(values)
    return [v * inv(n) % R for v in ntt(values, inv(root(n)))] if n > 1 else list(values)


def evaluate(coefficients, x):
    total = 0
    for c in reversed(coefficients):
        total = (total * x + c) % R
    return total


def on_coset(coefficients, n, shift):
    scaled = [c * pow(shift, i, R) % R for i, c in enumerate(coefficients)]
    return ntt(scaled + [0] * (n - len(scaled)), root(n))


def from_coset(values, shift):
    back = inv(shift)
    return [c * pow(back, i, R) % R for i, c in enumerate(interpolate(values))]


def lagrange(i, n, x):
    point = pow(root(n), i, R) if n > 1 else 1
    if x == point:
        return 1
    return point * (pow(x, n, R) - 1) * inv(n * (x - point)) % R


# ------------------------------------------------------------------------------------------------------------ Poseidon2

E = [[5, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]]
MU = [
    0x10DC6E9C006EA38B04B1E03B4BD9490C0D03F98929CA1D7FB56821FD19D3B6E7,
    0x0C28145B6A44DF3E0149B3D0A30B3BB599DF9756D4DD9B84A86B38CFB45A740B,
    0x00544B8338791518B2C7645A50392798B21F75BB60E3596170067D00141CAC15,
    0x222C01175718386F2E2E82EB122789E352E105A3B8FA852613BC534433EE428B,
]
C0 = [
    0x19B849F69450B06848DA1D39BD5E4A4302BB86744EDC26238B0878E269ED23E5,
    0x265DDFE127DD51BD7239347B758F0A1320EB2CC7450ACC1DAD47F80C8DCF34D6,
    0x199750EC472F1809E0F66A545E1E51624108AC845015C2AA3DFC36BAB497D8AA,
    0x157FF3FE65AC7208110F06A5F74302B14D743EA25067F0FFD032F787C7F1CDF8,
]


def apply(matrix, vector):
    return [sum(m * v for m, v in zip(row, vector)) % R for row in matrix]


def partial_matrices():
    """V, W, V2, W2 of section 4. A state element is a row over the symbols (s_1, s_2, s_3, S_0..S_3)."""
    state = [None] + [[int(i == c) for i in range(7)] for c in range(3)]
    seen = []
    for j in range(4):
        if j > 0:
            seen.append(state[0])
        boxed = [[int(i == 3 + j) for i in range(7)]] + state[1:]
        total = [sum(column) % R for column in zip(*boxed)]
        state = [[(total[i] + MU[c] * boxed[c][i]) % R for i in range(7)] for c in range(4)]
    # x_j = seen_j . (s, S): solve for s by elimination on [s-part | x-part | minus S-part].
    rows = [seen[j][:3] + [int(c == j + 1) for c in range(4)] + [-v % R for v in seen[j][3:]] for j in range(3)]
    for i in range(3):
        pivot = next(p for p in range(i, 3) if rows[p][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        scale = inv(rows[i][i])
        rows[i] = [v * scale % R for v in rows[i]]
        for k in range(3):
            if k != i:
                rows[k] = [(a - rows[k][i] * b) % R for a, b in zip(rows[k], rows[i])]
    v = [[1, 0, 0, 0]] + [row[3:7] for row in rows]
    w = [[0, 0, 0, 0]] + [row[7:11] for row in rows]
    v2 = [[sum(out[c] * v[c + 1][j] for c in range(3)) % R for j in range(4)] for out in state]
    w2 = [[(sum(out[c] * w[c + 1][j] for c in range(3)) + out[3 + j]) % R for j in range(4)] for out in state]
    return v, w, v2, w2


V, W, V2, W2 = partial_matrices()


def box(vector):
    return [pow(x, 5, R) for x in vector]


def vec_add(a, b):
    return [(x + y) % R for x, y in zip(a, b)]


def vec_sub(a, b):
    return [(x - y) % R for x, y in zip(a, b)]


# ---------------------------------------------------------------------------------------------------------- constraints

NAMES = ["q1", "q2", "q3", "q4", "qm", "p0", "pl", "pi", "pr", "fb", "k", "l", "s1", "s2", "s3", "s4"]
SHIFTS = [1, 5, 25, 125]
HALF, SIXTH = inv(2), inv(6)


def selections(b0, b1):
    return [(1 - b0) * (1 - b1) % R, b0 * (1 - b1) % R, (1 - b0) * b1 % R, b0 * b1 % R]


def row_sum(w, n, z, zn, f, x, l0, pi, ch):
    """G of section 3 on one row: w, n the wires here and on the next row, f the 16 fixed columns."""
    alpha, beta, gamma = ch["alpha"], ch["beta"], ch["gamma"]
    q, qm, p0, pl, pi_, pr, fb, k, l = f[0:4], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11]
    terms = [0] * 9
    linear = sum(a * b for a, b in zip(q, w)) + qm * w[0] * w[1]
    terms[0] = (1 - p0 - fb) * linear + pi
    es = apply(E, box(w))
    first = vec_sub(apply(E, box(vec_add(apply(E, w), C0))), es)
    left = vec_sub(vec_add(apply(V2, w), apply(W2, box(w))), es)
    right = vec_sub(n, vec_add(apply(V, n), apply(W, box(n))))
    for e in range(4):
        terms[e + 1] += p0 * (es[e] + q[e] - n[e]) + pl * left[e] + pi_ * first[e] + pr * right[e]
    xx, y, d, u, xn, yn = w[0], w[1], w[2], w[3], n[0], n[1]
    ty = d * (q[2] + q[3] * d * d)
    terms[1] += fb * (d * d - 1) * (d * d - 9)
    terms[2] += fb * (u - q[0] - q[1] * d * d)
    terms[3] += fb * ((xn + xx + u) * (u - xx) ** 2 - (u**3 - 17 - 2 * ty * y + y * y))
    terms[4] += fb * ((yn + y) * (u - xx) - (ty - y) * (xx - xn))
    add = k * (k - 2) * (k - 3) * HALF
    u, v, s, h = w[2], w[3], n[2], n[3]
    terms[1] += add * ((xn + xx + u) * (u - xx) ** 2 - (v - y) ** 2)
    terms[2] += add * ((yn + y) * (u - xx) - (v - y) * (xx - xn))
    terms[3] += add * (v - s * h)
    terms[4] += add * (s * s - 1)
    dbl = -k * (k - 1) * (k - 3) * HALF
    terms[1] += dbl * (4 * y * y * (xn + 2 * xx) - 9 * xx * (y * y + 17))
    terms[2] += dbl * (2 * y * (yn + y) - 3 * xx * xx * (xx - xn))
    select = k * (k - 1) * (k - 2) * SIXTH
    terms[1] += select * (n[2] - sum(a * b for a, b in zip(selections(n[0], n[1]), w)))
    rng = l * (2 - l)
    for e, (hi, lo) in enumerate([(w[0], w[1]), (w[1], w[2]), (w[2], w[3]), (w[3], n[0])]):
        step = lo - 4 * hi
        terms[e + 1] += rng * step * (step - 1) * (step - 2) * (step - 3)
    dmx = l * (l - 1) * HALF
    for e, indicator in enumerate(selections(w[0], w[1])):
        terms[e + 1] += dmx * (n[e] - indicator * (w[3] - w[2]))
    terms[5] += dmx * w[0] * (w[0] - 1)
    terms[6] += dmx * w[1] * (w[1] - 1)
    terms[7] = z * product(w[c] + beta * SHIFTS[c] * x + gamma for c in range(4)) - zn * product(
        w[c] + beta * f[12 + c] + gamma for c in range(4)
    )
    terms[8] = l0 * (z - 1)
    return sum(pow(alpha, e, R) * t for e, t in enumerate(terms)) % R


def product(values):
    total = 1
    for v in values:
        total = total * v % R
    return total


# ----------------------------------------------------------------------------------------------------- a circuit to prove


class Random:
    """A deterministic stream of field elements."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def field(self):
        self.count += 1
        return int.from_bytes(hashlib.sha512(f"{self.seed}/{self.count}".encode()).digest(), "big") % R

    def below(self, n):
        return self.field() % n


def square_root(a):
    if pow(a, (R - 1) // 2, R) != 1:
        return None
    m, c, t, x = 28, pow(5, (R - 1) >> 28, R), pow(a, (R - 1) >> 28, R), pow(a, (((R - 1) >> 28) + 1) // 2, R)
    while t != 1:
        i, s = 0, t
        while s != 1:
            s, i = s * s % R, i + 1
        b = pow(c, 1 << (m - i - 1), R)
        m, c, t, x = i, b * b % R, t * b * b % R, x * b % R
    return x


def curve_point(rng):
    while True:
        x = rng.field()
        y = square_root((x**3 - 17) % R)
        if y is not None:
            return x, y


def curve_add(p, q):
    slope = (3 * p[0] ** 2 * inv(2 * p[1]) if p == q else (q[1] - p[1]) * inv(q[0] - p[0])) % R
    x = (slope * slope - p[0] - q[0]) % R
    return x, (slope * (p[0] - x) - p[1]) % R


class Circuit:
    """Fixed columns, shared by all subtrees, and for each subtree a witness that satisfies them."""

    def __init__(self, rows, subtrees, start, seed):
        self.rows, self.subtrees = rows, subtrees
        self.fixed = [[0] * rows for _ in range(16)]
        batons, self.wires = [start], []
        structure = None
        for i in range(subtrees):
            rng = Random(f"{seed}/witness/{i}")
            out = [rng.field() for _ in range(3)]
            fixed, wires, swaps = self._subtree(batons[-1], out, Random(seed + "/structure"), rng)
            assert structure in (None, (fixed, swaps)), "the structure depends on the witness"
            structure = (fixed, swaps)
            self.wires.append(wires)
            batons.append(out)
        self.batons = batons
        fixed, swaps = structure
        for c in range(12):
            self.fixed[c] = fixed[c]
        omega = root(rows)
        labels = {(c, j): SHIFTS[c] * pow(omega, j, R) % R for c in range(4) for j in range(rows)}
        image = {cell: cell for cell in labels}
        for a, b in swaps:
            image[a], image[b] = image[b], image[a]
        for c in range(4):
            self.fixed[12 + c] = [labels[image[(c, j)]] for j in range(rows)]

    def _subtree(self, baton_in, baton_out, shape, rng):
        rows = self.rows
        fixed = [[0] * rows for _ in range(12)]
        col = {name: fixed[i] for i, name in enumerate(NAMES[:12])}
        grid = []  # rows of four values
        swaps = []

        def put(values):
            grid.append([v % R for v in values])
            return len(grid) - 1

        for value in list(baton_in) + list(baton_out):
            col["q1"][put([value, 0, 0, 0])] = 1
        field = rng.field
        # ARITH: w4 follows from the others.
        j = put([field(), field(), field(), 0])
        q = [shape.field() for _ in range(5)]
        for name, value in zip(["q1", "q2", "q3", "q4", "qm"], q):
            col[name][j] = value
        a = grid[j]
        a[3] = -(q[0] * a[0] + q[1] * a[1] + q[2] * a[2] + q[4] * a[0] * a[1]) * inv(q[3]) % R
        # Copies: the baton's cells reappear on a row without a gate.
        j = put([baton_in[0], baton_out[0], baton_in[2], baton_out[1]])
        swaps += [((0, 0), (0, j)), ((0, 3), (1, j)), ((0, 2), (2, j)), ((0, 4), (3, j))]
        # POSEIDON2: initial -> full -> first partial -> partial -> full; the constants are the circuit's.
        state = [field() for _ in range(4)]
        for kind in ["initial", "full", "enter", "partial", "leave"]:
            constants = [shape.field() for _ in range(4)]
            j = put(state)
            for c in range(4):
                col[NAMES[c]][j] = constants[c]
            col["p0"][j] = 1
            col["pl"][j] = int(kind in ("partial", "leave"))
            col["pi"][j] = int(kind == "initial")
            col["pr"][j] = int(kind in ("enter", "partial"))
            if kind == "initial":
                after = apply(E, box(vec_add(apply(E, state), C0)))
            elif kind in ("partial", "leave"):
                after = vec_add(apply(V2, state), apply(W2, box(state)))
            else:
                after = apply(E, box(state))
            after = vec_add(after, constants)
            if kind in ("enter", "partial"):
                after = self._group_entered_with(after)
            state = after
        put(state)
        # FIXED-BASE: x and y of the added point as polynomials of the digit d in {-3, -1, 1, 3}.
        one, three = curve_point(shape), curve_point(shape)
        q2 = (three[0] - one[0]) * inv(8) % R
        q4 = (three[1] * inv(3) - one[1]) * inv(8) % R
        coefficients = [(one[0] - q2) % R, q2, (one[1] - q4) % R, q4]
        d = [1, -1, 3, -3][rng.below(4)]
        p = curve_point(rng)
        u = (coefficients[0] + coefficients[1] * d * d) % R
        added = (u, d * (coefficients[2] + coefficients[3] * d * d) % R)
        j = put([p[0], p[1], d, u])
        for c in range(4):
            col[NAMES[c]][j] = coefficients[c]
        col["fb"][j] = 1
        p = curve_add(p, added)
        # ADD
        other = curve_point(rng)
        sign = [1, -1][rng.below(2)]
        j = put([p[0], p[1], other[0], other[1]])
        col["k"][j] = 1
        p = curve_add(p, other)
        # DBL: its first row is ADD's second.
        j = put([p[0], p[1], sign, sign * other[1]])
        col["k"][j] = 2
        p = curve_add(p, p)
        j = put([p[0], p[1], field(), field()])
        # SELECT
        col["k"][j] = 3
        b = [rng.below(2), rng.below(2)]
        put([b[0], b[1], grid[j][b[0] + 2 * b[1]], field()])
        # RANGE
        digits = [rng.below(4) for _ in range(5)]
        run = [digits[0]]
        for digit in digits[1:]:
            run.append(4 * run[-1] + digit)
        j = put(run[:4])
        col["l"][j] = 1
        put([run[4], field(), field(), field()])
        # DEMUX
        b, current, new = [rng.below(2), rng.below(2)], field(), field()
        j = put([b[0], b[1], current, new])
        col["l"][j] = 2
        put([s * (new - current) for s in selections(b[0], b[1])])
        assert len(grid) < rows
        while len(grid) < rows:
            grid.append([0] * 4)
        return fixed, [[grid[j][c] for j in range(rows)] for c in range(4)], swaps

    @staticmethod
    def _group_entered_with(s):
        """The S-box inputs x of a group of four partial rounds without constants entered with state s."""
        x, state = [], list(s)
        for _ in range(4):
            x.append(state[0])
            boxed = [pow(state[0], 5, R)] + state[1:]
            total = sum(boxed)
            state = [(total + MU[c] * boxed[c]) % R for c in range(4)]
        assert vec_add(apply(V, x), apply(W, box(x))) == [v % R for v in s]
        assert vec_add(apply(V2, x), apply(W2, box(x))) == state
        return x


# ---------------------------------------------------------------------------------------------------------------- prover


class Setup:
    """The key of a circuit under known secrets."""

    def __init__(self, circuit, label, tx, ty):
        self.tx, self.ty, self.label = tx, ty, label.encode().ljust(32, b"\0")
        self.rows = circuit.rows
        self.columns = [interpolate(c) for c in circuit.fixed]
        points = b"".join(commit(evaluate(c, tx)) for c in self.columns)
        self.key = self.label + word(self.rows) + points + commit_g2(tx) + commit_g2(ty)
        self.digest = keccak(self.key)


class Transcript:
    def __init__(self, preamble):
        self.state = keccak(preamble)

    def draw(self, label, absorbed=b""):
        self.state = keccak(self.state + absorbed + bytes([label]))
        return int.from_bytes(self.state, "big") % R


def prove_group(setup, circuit, statement, tamper=None):
    """One group proof: (M word, body, final state, the scalars of the final equation over the secrets)."""
    t, m, tx, ty = circuit.rows, circuit.subtrees, setup.tx, setup.ty
    w, g = root(t), root(m) if m > 1 else 1
    start, end = circuit.batons[0], circuit.batons[-1]
    chain_id, contract, beneficiary = statement
    preamble = b"proofyard/root-proof/v1".ljust(32, b"\0") + setup.digest
    preamble += b"".join(map(word, [chain_id, contract, t, m, 3, *start, *end, beneficiary]))
    transcript = Transcript(preamble)

    def over_y(values, y):
        return sum(lagrange(i, m, y) * v for i, v in enumerate(values)) % R

    def columns_at(columns, x):
        return [evaluate(c, x) for c in columns]

    # Round 1
    a = [[interpolate(circuit.wires[i][c]) for i in range(m)] for c in range(4)]
    a_points = [commit(over_y(columns_at(a[c], tx), ty)) for c in range(4)]
    s_values = [[circuit.batons[i][k] for i in range(m)] for k in range(3)]
    s_points = [commit(over_y(s_values[k], ty)) for k in range(3)]
    ch = {"beta": transcript.draw(1, b"".join(a_points + s_points))}
    ch["gamma"] = transcript.draw(2)
    beta, gamma = ch["beta"], ch["gamma"]
    # Round 2
    z = []
    for i in range(m):
        column, current = [], 1
        for j in range(t):
            column.append(current)
            top = product(circuit.wires[i][c][j] + beta * SHIFTS[c] * pow(w, j, R) + gamma for c in range(4))
            bottom = product(circuit.wires[i][c][j] + beta * circuit.fixed[12 + c][j] + gamma for c in range(4))
            current = current * top * inv(bottom) % R
        assert current == 1, "the permutation product does not close"
        z.append(interpolate(column))
    z_point = commit(over_y(columns_at(z, tx), ty))
    alpha = ch["alpha"] = transcript.draw(3, z_point)
    # Round 3: the quotient of each subtree, on a coset of size 8T.
    n, shift = 8 * t, 7
    points = [shift * pow(root(n), j, R) % R for j in range(n)]
    fixed_on = [on_coset(c, n, shift) for c in setup.columns]
    lag_on = [[lagrange(j, t, x) for x in points] for j in range(6)]
    chunks = []
    for i in range(m):
        wires_on = [on_coset(a[c][i], n, shift) for c in range(4)]
        z_on = on_coset(z[i], n, shift)
        baton = circuit.batons[i] + circuit.batons[i + 1]
        values = []
        for j in range(n):
            nx = (j + 8) % n
            pi = -sum(lag_on[k][j] * baton[k] for k in range(6))
            total = row_sum(
                [o[j] for o in wires_on], [o[nx] for o in wires_on], z_on[j], z_on[nx], [o[j] for o in fixed_on], points[j],
                lag_on[0][j], pi, ch,
            )
            values.append(total * inv(pow(points[j], t, R) - 1) % R)
        quotient = from_coset(values, shift)
        assert not any(quotient[5 * t :]), f"subtree {i} does not satisfy the circuit"
        chunks.append([quotient[c * t : (c + 1) * t] for c in range(5)])
    chunks = [[chunks[i][c] for i in range(m)] for c in range(5)]
    t_points = [commit(over_y(columns_at(chunks[c], tx), ty)) for c in range(5)]
    zeta = transcript.draw(4, b"".join(t_points))
    mu = transcript.draw(5)
    # Round 4
    wz = w * zeta % R
    at = [columns_at(a[c], zeta) for c in range(4)]
    nx = [columns_at(a[c], wz) for c in range(4)]
    z_at, z_nx = columns_at(z, zeta), columns_at(z, wz)
    fixed_at = columns_at(setup.columns, zeta)
    zh = (pow(zeta, t, R) - 1) % R
    lag = [lagrange(j, t, zeta) for j in range(6)]
    t_at = [sum(pow(zeta, c * t, R) * evaluate(chunks[c][i], zeta) for c in range(5)) % R for i in range(m)]

    def y_sum(y):
        """The left side of the identity over Y at zeta."""
        s, s_next = [over_y(v, y) for v in s_values], [over_y(v, g * y % R) for v in s_values]
        out = [(s_next[k] + (end[k] - start[k]) * lagrange(m - 1, m, y)) % R for k in range(3)]
        pi = -sum(lag[k] * s[k] + lag[3 + k] * out[k] for k in range(3))
        total = row_sum(
            [over_y(v, y) for v in at], [over_y(v, y) for v in nx], over_y(z_at, y), over_y(z_nx, y), fixed_at, zeta, lag[0],
            pi, ch,
        )
        total -= zh * over_y(t_at, y)
        return (total + sum(pow(mu, k + 1, R) * lagrange(0, m, y) * (s[k] - start[k]) for k in range(3))) % R

    size = 8 * m
    y_points = [shift * pow(root(size), j, R) % R for j in range(size)]
    q = from_coset([y_sum(y) * inv(pow(y, m, R) - 1) % R for y in y_points], shift)
    assert not any(q[max(0, 5 * (m - 1) - m + 1) :]), "the quotient over Y is too long"
    q_point = commit(evaluate(q, ty))
    eta = transcript.draw(6, q_point)
    s_next = [over_y(v, g * eta % R) for v in s_values]
    sbar = sum(lag[3 + k] * s_next[k] for k in range(3)) % R
    claim = dict(w=[over_y(v, eta) for v in at], n=[over_y(v, eta) for v in nx], s=fixed_at[12:15], zn=over_y(z_nx, eta))
    claim.update(p0=fixed_at[5], fb=fixed_at[9], k=fixed_at[10], l=fixed_at[11], sbar=sbar)
    claims = [*claim["w"], *claim["n"], *claim["s"], claim["zn"], claim["p0"], claim["fb"], claim["k"], claim["l"], sbar]
    v = transcript.draw(7, b"".join(map(word, claims)))
    # Round 5: scalars of the linearisation, section 8.
    cw, cn, p0, fb = claim["w"], claim["n"], claim["p0"], claim["fb"]
    rm, r0eta = lagrange(m - 1, m, eta), lagrange(0, m, eta)
    power = [pow(alpha, e, R) for e in range(9)]
    sa, x, y, d, u, xn, yn = 1 - p0 - fb, cw[0], cw[1], cw[2], cw[3], cn[0], cn[1]
    h = fb * (2 * power[3] * y - power[4] * (x - xn))
    es = apply(E, box(cw))

    def weigh(vector):
        return sum(power[e + 1] * c for e, c in enumerate(vector)) % R

    partial_product = product(cw[c] + beta * claim["s"][c] + gamma for c in range(3))
    fixed_scalars = {
        "q1": sa * cw[0] + power[1] * p0 - power[2] * fb,
        "q2": sa * cw[1] + power[2] * p0 - power[2] * fb * d * d,
        "q3": sa * cw[2] + power[3] * p0 + h * d,
        "q4": sa * cw[3] + power[4] * p0 + h * d**3,
        "qm": sa * cw[0] * cw[1],
        "pl": weigh(vec_sub(vec_add(apply(V2, cw), apply(W2, box(cw))), es)),
        "pi": weigh(vec_sub(apply(E, box(vec_add(apply(E, cw), C0))), es)),
        "pr": weigh(vec_sub(cn, vec_add(apply(V, cn), apply(W, box(cn))))),
        "s4": -power[7] * beta * claim["zn"] * partial_product,
    }
    z_scalar = power[7] * product(cw[c] + beta * SHIFTS[c] * zeta + gamma for c in range(4)) + power[8] * lag[0]
    s_scalars = [-lag[k] + pow(mu, k + 1, R) * r0eta for k in range(3)]
    zk = (pow(eta, m, R) - 1) % R
    # The constant: the row sum with every linearised column zero, less what it should not hold.
    gate_only = row_sum(
        cw, cn, 0, claim["zn"], [0] * 5 + [p0, 0, 0, 0, fb, claim["k"], claim["l"]] + claim["s"] + [0], zeta, lag[0],
        -sbar - sum(lag[3 + k] * (end[k] - start[k]) * rm for k in range(3)), ch,
    )
    r0 = (gate_only - sum(pow(mu, k + 1, R) * r0eta * start[k] for k in range(3))) % R

    def d_at(xx, yy):
        """D at a point, from the polynomials."""
        fixed = dict(zip(NAMES, columns_at(setup.columns, xx)))
        total = sum(s * fixed[name] for name, s in fixed_scalars.items())
        total += z_scalar * over_y(columns_at(z, xx), yy)
        total -= zh * sum(pow(zeta, c * t, R) * over_y(columns_at(chunks[c], xx), yy) for c in range(5))
        total += sum(s_scalars[k] * over_y(s_values[k], yy) for k in range(3))
        return (total - zk * evaluate(q, yy)) % R

    def f_at(xx, yy):
        fixed = dict(zip(NAMES, columns_at(setup.columns, xx)))
        listed = [over_y(columns_at(a[c], xx), yy) for c in range(4)]
        listed += [fixed[name] for name in ["s1", "s2", "s3", "p0", "fb", "k", "l"]]
        return (d_at(xx, yy) + sum(pow(v, e + 1, R) * value for e, value in enumerate(listed))) % R

    def n_at(xx, yy):
        total = over_y(columns_at(z, xx), yy)
        return (total + sum(pow(v, c + 1, R) * over_y(columns_at(a[c], xx), yy) for c in range(4))) % R

    def p_at(yy):
        return sum(lag[3 + k] * over_y(s_values[k], yy) for k in range(3)) % R

    assert d_at(zeta, eta) == -r0 % R, "the linearisation does not vanish"
    listed = [*cw, *claim["s"], p0, fb, claim["k"], claim["l"]]
    f = (-r0 + sum(pow(v, e + 1, R) * value for e, value in enumerate(listed))) % R
    assert f_at(zeta, eta) == f
    nv = (claim["zn"] + sum(pow(v, c + 1, R) * cn[c] for c in range(4))) % R
    assert n_at(wz, eta) == nv and p_at(g * eta % R) == sbar
    wx1 = (f_at(tx, ty) - f_at(zeta, ty)) * inv(tx - zeta) % R
    wx2 = (n_at(tx, ty) - n_at(wz, ty)) * inv(tx - wz) % R
    witness = [commit(wx1), commit(wx2)]
    u1 = transcript.draw(8, b"".join(witness))
    wy = ((f_at(zeta, ty) - f) + u1 * (n_at(wz, ty) - nv)) * inv(ty - eta) % R
    wys = (p_at(ty) - sbar) * inv(ty - g * eta) % R
    witness += [commit(wy), commit(wys)]
    u2 = transcript.draw(9, b"".join(witness[2:]))
    big_a = f_at(tx, ty) - f + zeta * wx1 + u1 * (n_at(tx, ty) - nv + wz * wx2) + eta * wy
    big_a += u2 * (p_at(ty) - sbar + g * eta * wys)
    assert (big_a - (wx1 + u1 * wx2) * tx - (wy + u2 * wys) * ty) % R == 0
    body = b"".join(a_points + s_points) + z_point + b"".join(t_points) + q_point + b"".join(map(word, claims))
    body += b"".join(witness)
    assert len(body) == 1696
    return word(m), body, transcript.state


def case(setup, circuits, statement):
    proof = b""
    for index, circuit in enumerate(circuits):
        m, body, _ = prove_group(setup, circuit, statement)
        proof += m + (b"".join(map(word, circuit.batons[-1])) if index + 1 < len(circuits) else b"") + body
    assert len(proof) == 1824 * len(circuits) - 96
    hexed = lambda data: "0x" + data.hex()
    return {
        "chainId": statement[0],
        "contract": f"0x{statement[1]:040x}",
        "beneficiary": f"0x{statement[2]:040x}",
        "key": hexed(setup.key),
        "keyDigest": hexed(setup.digest),
        "start": [hexed(word(x)) for x in circuits[0].batons[0]],
        "end": [hexed(word(x)) for x in circuits[-1].batons[-1]],
        "proof": hexed(proof),
    }


def main():
    out = sys.argv[1]
    rows, seed, rng = 32, "proofyard reference vectors", Random("proofyard reference secrets")
    contract, beneficiary = 0x5FBDB2315678AFECB367F032D93F642F64180AA3, 0xBE7EF1C1
    statement = (31337, contract, beneficiary)
    genesis = [rng.field() for _ in range(3)]
    tx, ty = rng.field(), rng.field()
    circuits = {m: Circuit(rows, m, genesis, seed) for m in (1, 2, 4)}
    setup = Setup(circuits[1], "INSECURE developers' setup", tx, ty)
    second = Circuit(rows, 2, circuits[2].batons[-1], seed)
    third = Circuit(rows, 1, second.batons[-1], seed)
    assert second.wires != circuits[2].wires
    assert all(c.fixed == circuits[1].fixed for c in [*circuits.values(), second, third])
    cases = {
        "one_subtree": [circuits[1]],
        "two_subtrees": [circuits[2]],
        "four_subtrees": [circuits[4]],
        "two_groups": [circuits[2], second],
        "three_groups": [circuits[2], second, third],
    }
    for name, parts in cases.items():
        with open(os.path.join(out, name + ".json"), "w", encoding="ascii") as file:
            json.dump(case(setup, parts, statement), file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
