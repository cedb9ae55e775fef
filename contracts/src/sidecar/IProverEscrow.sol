// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Deposits of provers, drawn by their signed quotes
/// @notice docs/sidecar.md, section 5.
interface IProverEscrow {
    /// @notice A prover's offer for one group of one proposal, EIP-712.
    struct Quote {
        address prover;
        address sequencer;
        uint256 height;
        bytes32 blockCommitment;
        uint32 group;
        address tipToken;
        uint256 price;
        address depositToken;
        uint256 deposit;
        uint256 nonce;
        uint64 expiry;
    }

    /// @notice What a coordinator signs for a block that it took (section 5), under the same domain.
    /// @param blockCommitment section 3
    /// @param blockId SHA-256 of the block file
    /// @param nonce of the accepted quote
    /// @param acceptedAt L1 block number
    struct Receipt {
        bytes32 blockCommitment;
        bytes32 blockId;
        uint256 nonce;
        uint64 acceptedAt;
    }

    /// @notice `amount` is what arrived.
    event Deposited(address indexed token, address indexed prover, uint256 amount);
    /// @notice `amount` is this request's; all that is announced by now is available from the block named.
    event WithdrawalRequested(address indexed token, address indexed prover, uint256 amount, uint64 availableFrom);
    event WithdrawalCancelled(address indexed token, address indexed prover, uint256 amount);
    event Withdrawn(address indexed token, address indexed prover, uint256 amount);
    event Drawn(
        bytes32 indexed quoteHash, address indexed prover, uint256 indexed nonce, address token, uint256 amount
    );
    event NonceCancelled(address indexed prover, uint256 indexed nonce);

    error InvalidSignature();
    error QuoteExpired(uint64 expiry);
    error NonceUsed(uint256 nonce);
    error InsufficientBalance(uint256 available, uint256 needed);
    error NotAllowed(address caller);
    error TooEarly(uint64 availableFrom);
    /// @notice The token is not on the allow list, or took another amount than it was asked to.
    error TokenRefused(address token);
    /// @notice A height of this registry may last as long as withdrawals wait.
    error DelayTooShort(uint64 longestHeight);
    /// @notice No withdrawal is announced.
    error NothingToWithdraw();

    function deposit(address token, uint256 amount) external;

    /// @notice Adds to somebody's balance; the tokens come from the caller.
    function depositFor(address prover, address token, uint256 amount) external;

    /// @notice Announces a withdrawal; the amount no longer backs quotes. A further request adds and starts the delay anew.
    function requestWithdrawal(address token, uint256 amount) external;
    function cancelWithdrawal(address token) external;
    function withdraw(address token) external returns (uint256 amount);

    /// @notice Makes a quote that was not drawn yet worthless.
    function cancelNonce(uint256 nonce) external;

    /// @notice Checks a quote and sends its deposit to `to`. For the commitment contracts in the version registry.
    function draw(Quote calldata quote, bytes calldata signature, address to) external;

    /// @notice What backs quotes: the balance without announced withdrawals.
    function available(address token, address prover) external view returns (uint256);
    function pendingWithdrawal(address token, address prover)
        external
        view
        returns (uint256 amount, uint64 availableFrom);
    function isNonceUsed(address prover, uint256 nonce) external view returns (bool);

    /// @notice The EIP-712 digest that the prover signs.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);

    /// @notice The EIP-712 digest that the coordinator signs for a block it took.
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32);
}
