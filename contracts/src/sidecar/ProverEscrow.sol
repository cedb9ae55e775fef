// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";

import {IProverEscrow} from "./IProverEscrow.sol";
import {IVersionRegistry} from "./IVersionRegistry.sol";

/// @title Deposits of provers, drawn by their signed quotes
/// @notice docs/sidecar.md, section 5. Holds for every token what `available` and announced withdrawals add up to, or more.
contract ProverEscrow is IProverEscrow, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using BitMaps for BitMaps.BitMap;

    struct Balance {
        uint256 available;
        uint256 pending;
        uint64 availableFrom;
    }

    bytes32 private constant QUOTE_TYPE = keccak256(
        "Quote(address prover,address sequencer,uint256 height,bytes32 blockCommitment,uint32 group,address tipToken,"
        "uint256 price,address depositToken,uint256 deposit,uint256 nonce,uint64 expiry)"
    );
    bytes32 private constant RECEIPT_TYPE =
        keccak256("Receipt(bytes32 blockCommitment,bytes32 blockId,uint256 nonce,uint64 acceptedAt)");

    /// @notice Names the contracts that may draw, and the tokens that are taken.
    IVersionRegistry public immutable registry;

    /// @notice Blocks from the announcement of a withdrawal to the first in which it can be taken; more than a height lasts.
    uint64 public immutable withdrawalDelay;

    mapping(address token => mapping(address prover => Balance)) private balances;
    mapping(address prover => BitMaps.BitMap) private nonces;

    constructor(IVersionRegistry registry_, uint64 withdrawalDelay_) EIP712("Proofyard", "1") {
        uint64 longest = registry_.maxHeightBlocks();
        if (withdrawalDelay_ <= longest) revert DelayTooShort(longest);
        registry = registry_;
        withdrawalDelay = withdrawalDelay_;
    }

    /// @inheritdoc IProverEscrow
    function deposit(address token, uint256 amount) external {
        depositFor(msg.sender, token, amount);
    }

    /// @inheritdoc IProverEscrow
    function depositFor(address prover, address token, uint256 amount) public nonReentrant {
        // The zero token is ETH elsewhere; here only ERC-20 are deposits.
        if (token == address(0) || !registry.isAllowedToken(token)) revert TokenRefused(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 arrived = IERC20(token).balanceOf(address(this)) - before;
        balances[token][prover].available += arrived;
        emit Deposited(token, prover, arrived);
    }

    /// @inheritdoc IProverEscrow
    function requestWithdrawal(address token, uint256 amount) external nonReentrant {
        Balance storage balance = balances[token][msg.sender];
        take(balance, amount);
        balance.pending += amount;
        uint64 from = uint64(block.number) + withdrawalDelay;
        balance.availableFrom = from;
        emit WithdrawalRequested(token, msg.sender, amount, from);
    }

    /// @inheritdoc IProverEscrow
    function cancelWithdrawal(address token) external nonReentrant {
        Balance storage balance = balances[token][msg.sender];
        uint256 amount = clear(balance);
        balance.available += amount;
        emit WithdrawalCancelled(token, msg.sender, amount);
    }

    /// @inheritdoc IProverEscrow
    function withdraw(address token) external nonReentrant returns (uint256 amount) {
        Balance storage balance = balances[token][msg.sender];
        if (block.number < balance.availableFrom) revert TooEarly(balance.availableFrom);
        amount = clear(balance);
        emit Withdrawn(token, msg.sender, amount);
        send(token, msg.sender, amount);
    }

    /// @inheritdoc IProverEscrow
    function cancelNonce(uint256 nonce) external {
        useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IProverEscrow
    function draw(Quote calldata quote, bytes calldata signature, address to) external nonReentrant {
        if (!registry.isCommitmentPhase(msg.sender)) revert NotAllowed(msg.sender);
        if (block.number > quote.expiry) revert QuoteExpired(quote.expiry);
        bytes32 digest = quoteDigest(quote);
        if (!SignatureChecker.isValidSignatureNowCalldata(quote.prover, digest, signature)) revert InvalidSignature();
        useNonce(quote.prover, quote.nonce);
        take(balances[quote.depositToken][quote.prover], quote.deposit);
        emit Drawn(digest, quote.prover, quote.nonce, quote.depositToken, quote.deposit);
        send(quote.depositToken, to, quote.deposit);
    }

    /// @inheritdoc IProverEscrow
    function available(address token, address prover) external view returns (uint256) {
        return balances[token][prover].available;
    }

    /// @inheritdoc IProverEscrow
    function pendingWithdrawal(address token, address prover)
        external
        view
        returns (uint256 amount, uint64 availableFrom)
    {
        Balance storage balance = balances[token][prover];
        return (balance.pending, balance.availableFrom);
    }

    /// @inheritdoc IProverEscrow
    function isNonceUsed(address prover, uint256 nonce) external view returns (bool) {
        return nonces[prover].get(nonce);
    }

    /// @inheritdoc IProverEscrow
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        // All fields are words, so the tuple's encoding is that of EIP-712.
        return _hashTypedDataV4(keccak256(abi.encode(QUOTE_TYPE, quote)));
    }

    /// @inheritdoc IProverEscrow
    function receiptDigest(Receipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECEIPT_TYPE, receipt)));
    }

    function useNonce(address prover, uint256 nonce) private {
        BitMaps.BitMap storage used = nonces[prover];
        if (used.get(nonce)) revert NonceUsed(nonce);
        used.set(nonce);
    }

    function take(Balance storage balance, uint256 amount) private {
        uint256 held = balance.available;
        if (held < amount) revert InsufficientBalance(held, amount);
        balance.available = held - amount;
    }

    function clear(Balance storage balance) private returns (uint256 amount) {
        amount = balance.pending;
        if (amount == 0) revert NothingToWithdraw();
        balance.pending = 0;
        balance.availableFrom = 0;
    }

    /// Sends exactly this much: a token that takes more would take it from the others' deposits.
    function send(address token, address to, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransfer(to, amount);
        if (before - IERC20(token).balanceOf(address(this)) != amount) revert TokenRefused(token);
    }
}
