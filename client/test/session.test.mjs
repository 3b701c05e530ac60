import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, handOver, hold, scene, soon } from './fake/scene.mjs'

test('ensure logs in where there is no token, and leaves a good session alone', async () => {
  const { edge, session, open } = scene()
  assert.equal((await session.ensure()).event, 'new')
  assert.equal(await open().ensure(), null)
  assert.deepEqual(edge.seen, ['POST /wx/login', 'GET /wx/session'])
})

test('ensure logs in when WeChat’s session has ended, without asking the edge', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.keyOf = null
  assert.equal((await session.ensure()).event, 'returning')
  assert.deepEqual(edge.seen, ['POST /wx/login', 'POST /wx/login'])
})

test('ensure logs in when the edge’s session has ended', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.sessions.clear()
  assert.equal((await session.ensure()).event, 'returning')
  assert.deepEqual(edge.seen, ['POST /wx/login', 'GET /wx/session', 'POST /wx/login'])
})

test('any number of callers share one ensure', async () => {
  const { edge, session } = scene()
  await session.login()
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(() => session.ensure())), [null, null, null, null])
  assert.equal(edge.count('GET /wx/session'), 1)
})

test('an edge that cannot look is not taken for a session that has ended', async () => {
  const { edge, session } = scene()
  const { token } = await session.login()
  edge.fail('/wx/session', ...Array(9).fill(refuse('store_unavailable')))
  assert.equal((await failing(session.ensure())).error, 'store_unavailable')
  assert.deepEqual(session.header(), { 'X-3rd-Session': token })
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('logout ends the session here and there, and nothing logs in again by itself', async () => {
  const { edge, phone, session, open } = scene()
  await session.login()
  const heard = []
  session.on('logout', () => heard.push('logout'))
  assert.deepEqual(await session.logout(), { ended: 1 })
  assert.deepEqual(heard, ['logout'])
  assert.equal(edge.sessions.size, 0)
  assert.equal(phone.storage.size, 0)
  assert.equal((await failing(session.request({ url: '/orders' }))).error, 'no_session')
  assert.equal(edge.count('POST /wx/login'), 1)
  assert.deepEqual(open().header(), {})
  assert.equal((await session.ensure()).event, 'returning')
  assert.equal((await session.request({ url: '/orders' })).statusCode, 200)
})

test('a request that was under way at the logout does not undo it', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.fail('/orders', refuse('invalid_token'))
  const request = failing(session.request({ url: '/orders' }))
  while (!edge.count('GET /orders')) await soon()
  await session.logout()
  assert.equal((await request).action, 'relogin')
  assert.deepEqual(session.header(), {})
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('logout everywhere says so to the edge', async () => {
  const { phone, edge, session, open } = scene()
  await session.login()
  edge.sessions.set('on another phone', 'ming')
  await session.logout({ everywhere: true })
  assert.equal(phone.requests.at(-1).body, '{"everywhere":true}')
  assert.equal(edge.sessions.size, 0)
  assert.deepEqual(await open().logout(), { ended: 0 })
})

test('logout ends the session here even if the edge cannot be reached, and says so', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.fail('/wx/logout', new Error('timeout'))
  assert.equal((await failing(session.logout())).error, 'network')
  assert.deepEqual(session.header(), {})
})

test('a session that had ended already is no error of a logout', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.sessions.clear()
  assert.deepEqual(await session.logout(), { ended: 0 })
})

test('a logout is at once, whatever is under way, which then ends and logs nobody in', async () => {
  for (const begin of ['login', 'ensure']) {
    const { edge, phone, session } = scene()
    if (begin === 'ensure') await session.login()
    edge.sessions.clear()
    let answer
    edge.fail(begin === 'login' ? '/wx/login' : '/wx/session', new Promise(come => { answer = come }))
    const begun = failing(session[begin]())
    while (phone.underWay === 0) await soon()
    const heard = []
    session.on('logout', () => heard.push('logout'))
    session.on('login', () => heard.push('login'))
    const logout = session.logout()
    assert.deepEqual([session.header(), phone.storage.size, heard], [{}, 0, ['logout']])
    assert.deepEqual(await logout, { ended: 0 })
    answer(refuse('session_expired'))
    assert.equal((await begun).error, 'account_switched')
    assert.equal(edge.count('POST /wx/login'), 1)
    assert.deepEqual([session.header(), heard], [{}, ['logout']])
  }
})

test('a login that lands after a logout is ended at the edge, and nobody gets its token', async () => {
  for (const everywhere of [false, true]) {
    const { edge, phone, session } = scene()
    if (everywhere) edge.sessions.set('on another phone', 'ming')
    const login = failing(session.login())
    while (!edge.count('POST /wx/login')) await soon()
    // Not there yet, it is not counted.
    assert.deepEqual(await session.logout({ everywhere }), { ended: 0 })
    assert.equal((await login).error, 'account_switched')
    await landed(edge)
    assert.deepEqual([session.header(), phone.storage.size, edge.sessions.size], [{}, 0, 0])
  }
})

test('a late login whose session cannot be ended at the edge is nobody’s failure', async () => {
  const { edge, session } = scene()
  const login = failing(session.login())
  while (!edge.count('POST /wx/login')) await soon()
  edge.fail('/wx/logout', new Error('timeout'))
  assert.deepEqual(await session.logout(), { ended: 0 })
  assert.equal((await login).error, 'account_switched')
  await landed(edge)
  assert.deepEqual(session.header(), {})
})

test('a logout ends at once beside a wx.login that never calls back', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  phone.wx.login = () => {}
  session.login()
  assert.deepEqual(await session.logout(), { ended: 1 })
  assert.equal(edge.sessions.size, 0)
})

test('a login that is told to wait takes no other code after a logout, which does not wait with it', async () => {
  const { edge, phone, open } = scene()
  const over = hold(phone)
  const session = open()
  edge.fail('/wx/login', refuse('wechat_unavailable', { retryAfter: 10 }))
  const login = failing(session.login())
  while (!phone.waits.length) await soon()
  assert.deepEqual(await session.logout(), { ended: 0 })
  over()
  assert.equal((await login).error, 'account_switched')
  assert.equal(phone.codes.length, 1)
})

test('a login that is refused after a logout takes no other code, and waits for nothing', async () => {
  for (const error of ['invalid_code', 'wechat_unavailable', 'body_timeout']) {
    const { edge, phone, session } = scene()
    let answer
    edge.fail('/wx/login', new Promise(come => { answer = come }))
    const login = failing(session.login())
    while (!edge.count('POST /wx/login')) await soon()
    await session.logout()
    answer(refuse(error))
    assert.equal((await login).error, 'account_switched')
    assert.deepEqual([phone.codes.length, phone.waits], [1, []])
    assert.equal(phone.calls.filter(call => call === 'login').length, 1)
  }
})

test('who logs in after a logout does not get the login from before it', async () => {
  const { edge, phone, session } = scene()
  const before = failing(session.login())
  while (!edge.count('POST /wx/login')) await soon()
  const logout = session.logout()
  phone.user = 'hong'
  const { token } = await session.login()
  assert.equal((await before).error, 'account_switched')
  await logout
  await landed(edge)
  assert.deepEqual([...edge.sessions], [[token, 'hong']])
  assert.deepEqual(session.header(), { 'X-3rd-Session': token })
})

test('a logout everywhere does not end the login that comes after it, however late the one before it lands', async () => {
  const { edge, phone, session } = scene()
  let come
  edge.fail('/wx/login', new Promise(late => { come = late }))
  const before = failing(session.login())
  while (!edge.count('POST /wx/login')) await soon()
  const logout = session.logout({ everywhere: true })
  const { token } = await session.login()
  come(edge.answer('POST', '/wx/login', {}, JSON.stringify({ code: phone.codes[0] })))
  assert.equal((await before).error, 'account_switched')
  assert.deepEqual(await logout, { ended: 0 })
  await landed(edge)
  assert.deepEqual([...edge.sessions.keys()], [token])
  assert.deepEqual(session.header(), { 'X-3rd-Session': token })
})

test('a listener that logs out is the end of the login that it heard of', async () => {
  for (const event of ['switched', 'login']) {
    const { edge, phone, session } = scene()
    await session.login()
    phone.user = 'hong'
    const heard = []
    session.on('login', () => heard.push('login'))
    session.on('logout', () => heard.push('logout'))
    let logout
    session.on(event, () => { logout = session.logout() })
    assert.equal((await failing(session.login())).error, 'account_switched')
    assert.deepEqual(await logout, { ended: 1 })
    assert.deepEqual(heard, event === 'login' ? ['login', 'logout'] : ['logout'])
    assert.equal(edge.count('POST /wx/logout'), 1)
    assert.deepEqual([session.header(), phone.storage.size, edge.sessions.size], [{}, 0, 0])
  }
})

test('a request that waits at the logout is not repeated after it', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  edge.fail('/orders', refuse('store_unavailable'))
  const request = failing(session.request({ url: '/orders', method: 'POST' }))
  while (!phone.waits.length) await soon()
  const logout = session.logout()
  assert.equal((await request).error, 'account_switched')
  assert.deepEqual([await logout, edge.count('POST /orders')], [{ ended: 1 }, 1])
})

test('a request that is refused after a logout logs nobody in, though somebody else has tried to', async () => {
  const { edge, session } = scene()
  let answer
  edge.fail('/orders', new Promise(come => { answer = come }))
  const request = failing(session.request({ url: '/orders' }))
  while (!edge.count('GET /orders')) await soon()
  await session.logout()
  edge.fail('/wx/login', refuse('user_blocked'))
  await failing(session.login())
  answer(refuse('no_session'))
  assert.equal((await request).error, 'account_switched')
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('open data that was asked for before a logout logs nobody in after it', async () => {
  const { edge, session } = scene()
  await session.login()
  const error = await failing(session.decrypt(async () => {
    await session.logout()
    return edge.wechat.userInfo('ming')
  }))
  assert.equal(error.error, 'account_switched')
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('ensure beside a request that finds the session ended is one login', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.sessions.clear()
  let answer
  edge.fail('/wx/session', new Promise(come => { answer = come }))
  const ensured = session.ensure()
  while (!edge.count('GET /wx/session')) await soon()
  assert.equal((await session.request({ url: '/orders' })).statusCode, 200)
  answer(refuse('session_expired'))
  assert.equal(await ensured, null)
  assert.equal(edge.count('POST /wx/login'), 2)
})

test('ensure that was begun before a logout fails, though another account has logged in since', async () => {
  for (const late of ['session_expired', 'overloaded', 'none']) {
    const { edge, phone, open } = scene()
    const over = hold(phone)
    const session = open()
    await session.login()
    let answer
    edge.fail('/wx/session', new Promise(come => { answer = come }))
    const ensured = failing(session.ensure())
    while (!edge.count('GET /wx/session')) await soon()
    answer(late === 'none' ? edge.answer('GET', '/wx/session', session.header()) : refuse(late))
    while (late === 'overloaded' && !phone.waits.length) await soon()
    await handOver(phone, session)
    over()
    assert.equal((await ensured).error, 'account_switched', late)
    assert.deepEqual([edge.count('GET /wx/session'), edge.count('POST /wx/login')], [1, 2])
  }
})

test('ensure beside a login of another account finds that one’s session', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  let answer
  edge.fail('/wx/session', new Promise(come => { answer = come }))
  const ensured = session.ensure()
  while (!edge.count('GET /wx/session')) await soon()
  phone.user = 'hong'
  assert.equal((await session.login()).event, 'switched')
  answer(refuse('session_expired'))
  assert.equal(await ensured, null)
  assert.equal(edge.count('POST /wx/login'), 2)
})

// The logout behind a login that came late.
async function landed(edge) {
  while (!edge.count('POST /wx/logout')) await soon()
  await soon()
  await soon()
}
