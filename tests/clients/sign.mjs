// What a wallet built on viem does with a file of `patternsettle mandate new`: signs it as it is, with a key of its own and
// through a node that holds the key. Reads {url, privateKey, file} as JSON from standard input, where `file` is the text of
// that file, and writes the signatures and the digest as one JSON document.

import { readFileSync } from 'node:fs'
import { createWalletClient, hashTypedData, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

const { url, privateKey, file } = JSON.parse(readFileSync(0, 'utf8'))
const typed = JSON.parse(file)
const account = privateKeyToAccount(privateKey)
const node = createWalletClient({ account: account.address, transport: http(url, { retryCount: 0 }) })

process.stdout.write(
  JSON.stringify({
    digest: hashTypedData(typed),
    own: await account.signTypedData(typed),
    node: await node.signTypedData(typed),
  }),
)
