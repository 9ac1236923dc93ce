import { connect } from '../../dist/index.js'

/** A client of the FIFO that has its implicit slot already: each slot from now on is a token. */
export function clientOf(path) {
  const client = connect({ strict: true, env: { MAKEFLAGS: ` -j --jobserver-auth=fifo:${path}` } })
  if (!client.tryAcquire().implicit) throw new Error('the first slot was not the implicit one')
  return client
}
