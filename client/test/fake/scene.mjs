// A phone with the client on it, before an edge that is made up.
import { FakeEdge } from './edge.mjs'
import { client } from './modules.mjs'
import { FakePhone } from './wx.mjs'

export function scene(options = {}) {
  const edge = new FakeEdge()
  const phone = new FakePhone({ ...edge, domain: edge.base, user: 'ming', ...options })
  return { edge, phone, session: open(phone, edge), open: more => open(phone, edge, more) }
}

// As after a start of the mini program: nothing but the storage is left from before.
export function open(phone, edge, more) {
  return client(phone).createSession({ baseUrl: edge.base, ...more })
}

// The error that it fails with.
export async function failing(promise) {
  const settled = await promise.then(value => ({ value }), error => ({ error }))
  if (!settled.error) throw new Error(`did not fail, but gave ${JSON.stringify(settled.value)}`)
  return settled.error
}

// Whoever is on the phone logs out, and another one in.
export async function handOver(phone, session) {
  await session.logout()
  phone.user = 'hong'
  await session.login()
}

// From now on, what a session that is opened waits for takes until the function that this gives is called.
export function hold(phone) {
  let over
  const until = new Promise(done => { over = done })
  phone.globals.setTimeout = (callback, ms) => {
    phone.waits.push(ms)
    until.then(callback)
  }
  return over
}

export function soon() {
  return new Promise(done => setTimeout(done))
}
