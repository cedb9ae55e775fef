"""An independent twin of the BLS signatures on BN254, written from docs/sidecar.md (section 6) and RFC 9380 alone.

Plain integers, standard library only, nothing fast or secret: it produces test vectors.

    python3 testdata/reference_bls.py > contracts/test/fixtures/bls_vrf.json

Three kinds of vectors: hash to curve (every intermediate value; the messages of RFC 9380's own vectors under the DST that
other implementations of this suite publish theirs for), the map alone at its exceptional inputs, and signatures.
"""

import hashlib
import json

Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
B = 3
Z = 1

VRF_DST = b"PROOFYARD-VRF-V01-BN254G1_XMD:SHA-256_SVDW_RO_"
POSSESSION_DST = b"PROOFYARD-POP-V01-BN254G1_XMD:SHA-256_SVDW_RO_"
# Messages and DST of the vectors that several libraries publish for BN254G1_XMD:SHA-256_SVDW_RO_.
PUBLIC_DST = b"QUUX-V01-CS02-with-BN254G1_XMD:SHA-256_SVDW_RO_"
PUBLIC_MESSAGES = [b"", b"abc", b"abcdef0123456789", b"q128_" + b"q" * 128, b"a512_" + b"a" * 512]

# ----------------------------------------------------------------------------------------------------- hashing to the field


def expand_message(message, dst, length):
    """expand_message_xmd with SHA-256 (RFC 9380, section 5.3.1)."""
    blocks = -(-length // 32)
    assert blocks <= 255 and len(dst) <= 255
    suffix = dst + bytes([len(dst)])
    first = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    block = hashlib.sha256(first + b"\1" + suffix).digest()
    out = block
    for i in range(2, blocks + 1):
        block = hashlib.sha256(bytes(a ^ b for a, b in zip(first, block)) + bytes([i]) + suffix).digest()
        out += block
    return out[:length]


def hash_to_field(message, dst):
    out = expand_message(message, dst, 96)
    return [int.from_bytes(out[i : i + 48], "big") % Q for i in (0, 48)]


# ------------------------------------------------------------------------------------------------- Shallue-van de Woestijne


def square_root(value):
    root = pow(value, (Q + 1) // 4, Q)
    return root if root * root % Q == value % Q else None


def inverse_or_zero(value):
    return pow(value, Q - 2, Q)


def curve(x):
    return (x * x * x + B) % Q


def map_to_curve(u):
    """Section 6.6.1, as its text says it and not by the straight-line program of the appendix (A = 0)."""
    root = square_root(-curve(Z) * 3 * Z * Z % Q)
    tv1 = u * u * curve(Z) % Q
    tv2 = (1 + tv1) % Q
    tv1 = (1 - tv1) % Q
    tv3 = inverse_or_zero(tv1 * tv2 % Q)
    tv4 = root if root % 2 == 0 else Q - root
    tv5 = u * tv1 * tv3 * tv4 % Q
    tv6 = -4 * curve(Z) * inverse_or_zero(3 * Z * Z) % Q
    half = -Z * inverse_or_zero(2) % Q
    x1, x2 = (half - tv5) % Q, (half + tv5) % Q
    x3 = (Z + tv6 * pow(tv2 * tv2 * tv3, 2, Q)) % Q
    x = next(x for x in (x1, x2, x3) if square_root(curve(x)) is not None)
    y = square_root(curve(x))
    return x, y if y % 2 == u % 2 else Q - y


# ---------------------------------------------------------------------------------------------------------------- the groups


class Fq2:
    """c0 + c1 i with i * i = -1."""

    def __init__(self, c0, c1):
        self.c0, self.c1 = c0 % Q, c1 % Q

    def __add__(self, other):
        return Fq2(self.c0 + other.c0, self.c1 + other.c1)

    def __sub__(self, other):
        return Fq2(self.c0 - other.c0, self.c1 - other.c1)

    def __mul__(self, other):
        if isinstance(other, int):
            return Fq2(self.c0 * other, self.c1 * other)
        return Fq2(self.c0 * other.c0 - self.c1 * other.c1, self.c0 * other.c1 + self.c1 * other.c0)

    def __eq__(self, other):
        return (self.c0, self.c1) == (other.c0, other.c1)

    def inverse(self):
        norm = pow(self.c0 * self.c0 + self.c1 * self.c1, Q - 2, Q)
        return Fq2(self.c0 * norm, -self.c1 * norm)


class Fq:
    def __init__(self, value):
        self.value = value % Q

    def __add__(self, other):
        return Fq(self.value + other.value)

    def __sub__(self, other):
        return Fq(self.value - other.value)

    def __mul__(self, other):
        return Fq(self.value * (other if isinstance(other, int) else other.value))

    def __eq__(self, other):
        return self.value == other.value

    def inverse(self):
        return Fq(pow(self.value, Q - 2, Q))


def add(a, b):
    """Affine addition on y^2 = x^3 + c; None is the point at infinity."""
    if a is None or b is None:
        return a or b
    (x1, y1), (x2, y2) = a, b
    if x1 == x2:
        if not y1 == y2:
            return None
        slope = x1 * x1 * 3 * (y1 * 2).inverse()
    else:
        slope = (y2 - y1) * (x2 - x1).inverse()
    x3 = slope * slope - x1 - x2
    return x3, slope * (x1 - x3) - y1


def multiply(point, scalar):
    result = None
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


G2 = (
    Fq2(
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    Fq2(
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def square_root2(value):
    """A root in Fq2 by the norm: (a + bi)^2 = c0 + c1 i gives a^2 = (c0 + |value|) / 2 up to the norm's sign."""
    norm = square_root(value.c0 * value.c0 + value.c1 * value.c1)
    for candidate in [] if norm is None else (norm, -norm):
        a = square_root((value.c0 + candidate) * inverse_or_zero(2) % Q)
        if a:
            root = Fq2(a, value.c1 * inverse_or_zero(2 * a))
            if root * root == value:
                return root
    return None


def outside_subgroup():
    """A point of the twist y^2 = x^3 + 3 / (9 + i) whose order is not r."""
    for c0 in range(1, 100):
        x = Fq2(c0, 0)
        y = square_root2(x * x * x + Fq2(B, 0) * Fq2(9, 1).inverse())
        if y is not None:
            assert multiply((x, y), R) is not None
            return x, y


def hash_to_curve(message, dst):
    q0, q1 = ((Fq(x), Fq(y)) for x, y in map(map_to_curve, hash_to_field(message, dst)))
    # The cofactor of G1 is one.
    return add(q0, q1)


def public_key(secret):
    return multiply(G2, secret)


def sign(secret, message, dst):
    return multiply(hash_to_curve(message, dst), secret)


# -------------------------------------------------------------------------------------------------------------- the vectors


def word(value):
    return f"0x{value:064x}"


def g1_words(point):
    return [word(point[0].value), word(point[1].value)]


def g2_words(point):
    x, y = point
    return [word(v) for v in (x.c1, x.c0, y.c1, y.c0)]


def text(data):
    return "0x" + data.hex()


def hash_vector(message, dst):
    u = hash_to_field(message, dst)
    maps = [map_to_curve(value) for value in u]
    return {
        "message": text(message),
        "dst": text(dst),
        "expanded": text(expand_message(message, dst, 96)),
        "u": [word(value) for value in u],
        "maps": [[word(x), word(y)] for x, y in maps],
        "point": g1_words(hash_to_curve(message, dst)),
    }


def signature_vector(secret, message, dst):
    return {
        "secret": word(secret),
        "publicKey": g2_words(public_key(secret)),
        "message": text(message),
        "dst": text(dst),
        "signature": g1_words(sign(secret, message, dst)),
    }


def stream(label, count):
    """Reproducible secrets and messages."""
    return [hashlib.sha256(f"{label} {i}".encode()).digest() for i in range(count)]


def vectors():
    hashes = [hash_vector(message, PUBLIC_DST) for message in PUBLIC_MESSAGES]
    hashes += [hash_vector(message, VRF_DST) for message in stream("message", 12)]
    hashes += [hash_vector(b"m" * length, POSSESSION_DST) for length in (1, 31, 32, 33, 55, 56, 64, 128, 1000)]
    # Exceptional inputs: zero, one, and the u with 1 - 4u^2 = 0 (1 + 4u^2 = 0 has no root: -1 is no square).
    half = inverse_or_zero(2)
    exceptional = [0, 1, 2, Q - 1, Q - 2, half, Q - half]
    maps = [{"u": word(u), "point": [word(c) for c in map_to_curve(u)]} for u in exceptional]
    secrets = [int.from_bytes(s, "big") % R for s in stream("secret", 4)]
    signatures = [signature_vector(s, m, VRF_DST) for s, m in zip(secrets, stream("signed", 4))]
    signatures += [signature_vector(s, m, POSSESSION_DST) for s, m in zip(secrets, stream("possession", 4))]
    signatures += [signature_vector(s, b"", VRF_DST) for s in (1, 2, R - 1)]
    assert multiply(G2, R) is None
    keys = [g2_words(public_key(secret)) for secret in range(1, 9)]
    return {
        "hashes": hashes,
        "maps": maps,
        "signatures": signatures,
        "keysOfSmallSecrets": keys,
        "outsideSubgroup": g2_words(outside_subgroup()),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1))
