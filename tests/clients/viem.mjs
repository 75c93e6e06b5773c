// What a program built on viem does with the local chain. Reads {url, privateKey, token, abi, receiver} as JSON from
// standard input, does everything once, and writes what it saw as one JSON document; amounts are decimal strings.

import { readFileSync } from 'node:fs'
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  getAddress,
  http,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const { url, privateKey, token, abi, receiver } = JSON.parse(readFileSync(0, 'utf8'))
const account = privateKeyToAccount(privateKey)
const posted = []
const transport = http(url, { onFetchRequest: (_, init) => void posted.push(JSON.parse(init.body)), retryCount: 0 })
const batching = http(url, {
  batch: true,
  onFetchRequest: (_, init) => void posted.push(JSON.parse(init.body)),
  retryCount: 0,
})
const id = await createPublicClient({ transport }).getChainId()
const chain = defineChain({
  id,
  name: 'local',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
})
const reader = createPublicClient({ chain, transport, pollingInterval: 20 })
const batcher = createPublicClient({ chain, transport: batching, pollingInterval: 20 })
const wallet = createWalletClient({ account, chain, transport })
const tester = createTestClient({ chain, mode: 'anvil', transport })
const contract = { address: token, abi }
const saw = { id }

const balanceOf = (owner, options = {}) =>
  reader.readContract({ ...contract, functionName: 'balanceOf', args: [owner], ...options })

// A transfer signed here; viem asks for the nonce, the fees and an estimate itself.
saw.name = await reader.readContract({ ...contract, functionName: 'name' })
const before = await balanceOf(receiver)
const block = await reader.getBlockNumber()
saw.estimate = await reader.estimateContractGas({
  ...contract,
  account,
  functionName: 'transfer',
  args: [receiver, 7n],
})
const hash = await wallet.writeContract({ ...contract, functionName: 'transfer', args: [receiver, 7n] })
saw.receipt = await reader.waitForTransactionReceipt({ hash })
saw.transaction = await reader.getTransaction({ hash })
saw.moved = (await balanceOf(receiver)) - before
saw.movedBefore = (await balanceOf(receiver, { blockNumber: block })) - before

// Other kinds of transaction.
saw.kinds = []
for (const fields of [{ type: 'legacy' }, { type: 'eip2930', accessList: [] }, { type: 'eip1559' }]) {
  const sent = await wallet.sendTransaction({ to: receiver, value: 1n, ...fields })
  const { status, type } = await reader.waitForTransactionReceipt({ hash: sent })
  saw.kinds.push({ status, type })
}
const unlocked = createWalletClient({ account: receiver, chain, transport })
const fromUnlocked = await unlocked.writeContract({ ...contract, functionName: 'transfer', args: [account.address, 2n] })
saw.unlocked = (await reader.waitForTransactionReceipt({ hash: fromUnlocked })).status

// Logs, asked for and filtered.
const filter = await reader.createContractEventFilter({ ...contract, eventName: 'Transfer', args: { to: receiver } })
saw.logs = await reader.getContractEvents({
  ...contract,
  eventName: 'Transfer',
  args: { to: receiver },
  fromBlock: 'earliest',
})
const again = await wallet.writeContract({ ...contract, functionName: 'transfer', args: [receiver, 5n] })
await reader.waitForTransactionReceipt({ hash: again })
saw.filtered = (await reader.getFilterChanges({ filter })).map(({ args }) => args.value)

// Refusals: by the contract with its own error, a reason, a panic; by the node.
const refusal = async (attempt) => {
  try {
    await attempt()
    return null
  } catch (error) {
    const reverted = error.walk((each) => each instanceof ContractFunctionRevertedError)
    const names = []
    for (let each = error; each instanceof BaseError; each = each.cause) names.push(each.name)
    return { names, error: reverted?.data?.errorName, args: reverted?.data?.args, reason: reverted?.reason }
  }
}
const tooMuch = { ...contract, account, functionName: 'transfer', args: [receiver, 2n ** 200n] }
saw.customError = await refusal(() => reader.simulateContract(tooMuch))
saw.customErrorOfEstimate = await refusal(() => reader.estimateContractGas(tooMuch))
saw.customErrorOfSending = await refusal(() => wallet.writeContract(tooMuch))
saw.reason = await refusal(() => reader.readContract({ ...contract, functionName: 'giveReason' }))
saw.panic = await refusal(() => reader.readContract({ ...contract, functionName: 'divide', args: [1n, 0n] }))
saw.nonceTooLow = await refusal(() => wallet.sendTransaction({ to: receiver, nonce: 0, gas: 21000n }))
saw.insufficientFunds = await refusal(() => wallet.sendTransaction({ to: receiver, value: 10n ** 30n, gas: 21000n }))

// Many questions in one request.
const questions = posted.length
const [number, price, own, code] = await Promise.all([
  batcher.getBlockNumber(),
  batcher.getGasPrice(),
  batcher.getBalance({ address: account.address }),
  batcher.getCode({ address: token }),
])
saw.batch = {
  posts: posted.length - questions,
  size: posted[questions].length,
  sensible: number > 0n && price > 0n && own > 0n && code.length > 2,
}

// Signatures, checked by a contract that exists only inside the call.
const message = 'what I say'
const signature = await account.signMessage({ message })
saw.verified = await reader.verifyMessage({ address: account.address, message, signature })
const domain = { name: 'Votes', version: '1', chainId: id, verifyingContract: getAddress(token) }
const typed = { domain, types: { Vote: [{ name: 'yes', type: 'bool' }] }, primaryType: 'Vote', message: { yes: true } }
saw.verifiedTyped = await reader.verifyTypedData({
  address: receiver,
  ...typed,
  signature: await unlocked.signTypedData(typed),
})

// Time and snapshots, as tests use them.
const snapshot = await tester.snapshot()
const { timestamp } = await reader.getBlock()
await tester.setNextBlockTimestamp({ timestamp: timestamp + 1000n })
const height = { ...contract, functionName: 'height' }
saw.pendingTime = (await reader.readContract({ ...height, blockTag: 'pending' }))[0] - timestamp
await tester.mine({ blocks: 1 })
saw.minedTime = (await reader.getBlock()).timestamp - timestamp
await tester.increaseTime({ seconds: 50 })
await tester.mine({ blocks: 2 })
saw.increasedTime = (await reader.getBlock()).timestamp - timestamp
await tester.revert({ id: snapshot })
saw.revertedTime = (await reader.getBlock()).timestamp - timestamp

process.stdout.write(JSON.stringify(saw, (_, value) => (typeof value === 'bigint' ? value.toString() : value)))
