import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, handOver, hold, scene, soon } from './fake/scene.mjs'

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

test('data that one account has fetched is not sent under the next one', async () => {
  for (const name of ['register', 'decrypt', 'verify']) {
    const { edge, phone, session } = scene()
    await session.login()
    let calls = 0
    const error = await failing(session[name](async () => {
      calls++
      const data = await edge.wechat.userInfo('ming')
      await handOver(phone, session)
      return data
    }))
    assert.equal(error.error, 'account_switched')
    assert.deepEqual([calls, edge.count(`POST /wx/${name}`), edge.count('POST /wx/login')], [1, 0, 2])
  }
})

test('nor is it fetched, when the logout comes while WeChat is asked for its session', async () => {
  for (const told of ['success', 'fail']) {
    const { edge, phone, session } = scene()
    await session.login()
    phone.wx.checkSession = options => { handOver(phone, session).then(() => options[told]({ errMsg: '' })) }
    const fetchData = fetcher(phone)
    assert.equal((await failing(session.register(fetchData))).error, 'account_switched')
    assert.deepEqual([fetchData.calls, edge.count('POST /wx/register'), edge.count('POST /wx/login')], [0, 0, 2])
  }
})

test('nor under the next account’s login that is under way when WeChat says that its session has ended', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  const next = new Promise(done => {
    phone.wx.checkSession = ({ fail }) => {
      session.logout()
      phone.user = 'hong'
      done(session.login())
      fail({ errMsg: '' })
    }
  })
  const fetchData = fetcher(phone)
  assert.equal((await failing(session.register(fetchData))).error, 'account_switched')
  await next
  assert.deepEqual([fetchData.calls, edge.count('POST /wx/register')], [0, 0])
})

test('data that waits at the logout, or is refused after it, is neither sent again nor fetched anew', async () => {
  for (const refused of ['overloaded', 'invalid_token', 'session_key_stale', 'body_timeout']) {
    const { edge, phone, open } = scene()
    const over = hold(phone)
    const session = open()
    await session.login()
    let answer
    edge.fail('/wx/register', new Promise(come => { answer = come }))
    const fetchData = fetcher(phone)
    const registered = failing(session.register(fetchData))
    while (!edge.count('POST /wx/register')) await soon()
    if (refused === 'overloaded') answer(refuse(refused))
    while (refused === 'overloaded' && !phone.waits.length) await soon()
    await handOver(phone, session)
    answer(refuse(refused))
    over()
    assert.equal((await registered).error, 'account_switched', refused)
    assert.deepEqual([fetchData.calls, edge.seen.filter(call => call.endsWith('/register')).length], [1, 1], refused)
    assert.equal(edge.count('POST /wx/login'), 2)
  }
})

test('a login that turns out to be another account’s is the end of what was begun before it, but not of what asked for it', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.user = 'hong'
  // WeChat’s session is ming’s: the login comes first.
  assert.equal((await session.register(fetcher(phone))).user, 'hong')
  phone.user = phone.keyOf = 'ming'
  const fetchData = fetcher(phone)
  assert.equal((await failing(session.register(fetchData))).error, 'account_switched')
  assert.deepEqual([fetchData.calls, edge.count('POST /wx/register'), edge.count('POST /wx/login')], [1, 2, 3])
})

test('a listener that hears of another account may register it', async () => {
  const { phone, session } = scene()
  await session.login()
  phone.user = 'hong'
  const registered = new Promise((done, fail) => session.on('switched', () => session.register(fetcher(phone)).then(done, fail)))
  await session.login()
  assert.equal((await registered).user, 'hong')
})

test('who logs out as soon as the login is there sends no data under the next account', async () => {
  for (const first of [true, false]) {
    const { edge, phone, session } = scene()
    const inAndOut = () => { session.login().then(() => handOver(phone, session)) }
    if (first) inAndOut()
    else await session.login()
    phone.wx.checkSession = ({ fail }) => {
      inAndOut()
      fail({ errMsg: '' })
    }
    const fetchData = fetcher(phone)
    assert.equal((await failing(session.register(fetchData))).error, 'account_switched')
    assert.deepEqual([fetchData.calls, edge.count('POST /wx/register')], [0, 0])
  }
})

test('data that is refused after a logout does not wait for the next login', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  let answer
  edge.fail('/wx/register', new Promise(come => { answer = come }))
  const registered = failing(session.register(fetcher(phone)))
  while (!edge.count('POST /wx/register')) await soon()
  session.logout()
  edge.fail('/wx/login', new Promise(() => {}))
  session.login()
  answer(refuse('invalid_token'))
  assert.equal((await registered).error, 'account_switched')
})
