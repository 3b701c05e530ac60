import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

// A page's `fetchData`, and how often it was called. `after` runs while the page has the data in its hands.
function fetcher(phone, after = () => {}) {
  const fetchData = async () => {
    fetchData.calls++
    const data = await new Promise((success, fail) => phone.wx.getUserInfo({ withCredentials: true, success, fail }))
    after(fetchData.calls)
    return data
  }
  fetchData.calls = 0
  return fetchData
}

test('the login comes before the data is fetched', async () => {
  const { phone, session } = scene()
  const fetchData = fetcher(phone)
  assert.deepEqual(await session.decrypt(fetchData), { user: 'ming', key: 1 })
  assert.deepEqual(phone.calls, ['login', 'request', 'getUserInfo', 'request'])
})

test('with a good session there is no login; with one that WeChat has ended, there is one first', async () => {
  const { phone, session } = scene()
  await session.login()
  phone.calls.length = 0
  await session.register(fetcher(phone))
  assert.deepEqual(phone.calls, ['checkSession', 'getUserInfo', 'request'])
  phone.keyOf = null
  phone.calls.length = 0
  await session.register(fetcher(phone))
  assert.deepEqual(phone.calls, ['checkSession', 'login', 'request', 'getUserInfo', 'request'])
})

test('data under a key too old is fetched anew after one login', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  // Another device logs in twice meanwhile.
  const fetchData = fetcher(phone, calls => { if (calls === 1) edge.keys.set('ming', 3) })
  assert.deepEqual(await session.register(fetchData), { user: 'ming', key: 4 })
  assert.equal(fetchData.calls, 2)
  assert.equal(edge.count('POST /wx/login'), 2)
  assert.equal(edge.count('POST /wx/register'), 2)
})

test('data that is stale twice is the end of it', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  edge.fail('/wx/decrypt', ...Array(9).fill(refuse('session_key_stale')))
  const fetchData = fetcher(phone)
  const error = await failing(session.decrypt(fetchData))
  assert.deepEqual([error.error, error.action, error.statusCode], ['session_key_stale', 'relogin', 422])
  assert.deepEqual([fetchData.calls, edge.count('POST /wx/login')], [2, 2])
})

test('a session that has ended is renewed, and the data fetched anew', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  edge.sessions.clear()
  const fetchData = fetcher(phone)
  assert.deepEqual(await session.verify(fetchData), { user: 'ming', key: 2 })
  assert.equal(fetchData.calls, 2)
})

test('data from a button is not sent twice, but the login is ready for the next tap', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  const detail = await edge.wechat.userInfo('ming')
  edge.keys.set('ming', 5)
  assert.equal((await failing(session.decrypt(() => detail))).error, 'session_key_stale')
  assert.equal(edge.count('POST /wx/decrypt'), 1)
  assert.equal(edge.count('POST /wx/login'), 2)
  const next = await edge.wechat.userInfo('ming')
  assert.deepEqual(await session.decrypt(() => next), { user: 'ming', key: 6 })
})

test('only the four fields are sent', async () => {
  const { phone, session } = scene()
  await session.register(fetcher(phone))
  assert.deepEqual(Object.keys(JSON.parse(phone.requests.at(-1).body)), ['encryptedData', 'iv', 'rawData', 'signature'])
})

test('a user who refuses is the page’s own error, passed on as it is', async () => {
  const { edge, session } = scene()
  const refusal = { errMsg: 'getUserInfo:fail auth deny' }
  assert.equal(await failing(session.register(() => Promise.reject(refusal))), refusal)
  assert.equal(edge.count('POST /wx/register'), 0)
})

test('a page that fetched nothing is told by the edge what is missing', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  for (const name of ['register', 'decrypt', 'verify']) {
    for (const nothing of [undefined, null]) {
      edge.fail(`/wx/${name}`, refuse('missing_parameter'))
      assert.equal((await failing(session[name](() => nothing))).error, 'missing_parameter')
      assert.equal(phone.requests.at(-1).body, '{}')
    }
  }
})

test('a login that lands while WeChat is asked for its session is not followed by another', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.wx.checkSession = ({ fail }) => { session.login().then(() => fail({ errMsg: 'checkSession:fail' })) }
  await session.verify(fetcher(phone))
  assert.equal(edge.count('POST /wx/login'), 2)
})
