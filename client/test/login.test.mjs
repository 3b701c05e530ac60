import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

test('any number of callers share one login', async () => {
  const { edge, phone, session } = scene()
  const logins = await Promise.all(Array.from({ length: 30 }, () => session.login()))
  assert.equal(new Set(logins.map(login => login.token)).size, 1)
  assert.equal(edge.count('POST /wx/login'), 1)
  assert.equal(phone.codes.length, 1)
})

test('a second login sends the token of the first, whose session ends', async () => {
  const { edge, session } = scene()
  const first = await session.login()
  const second = await session.login()
  assert.deepEqual([first.event, second.event], ['new', 'returning'])
  assert.deepEqual([...edge.sessions.keys()], [second.token])
})

test('the token outlives a restart of the mini program', async () => {
  const { edge, session, open } = scene()
  const { token } = await session.login()
  const answer = await open().request({ url: '/orders' })
  assert.equal(answer.data.user, 'ming')
  assert.equal(edge.count('POST /wx/login'), 1)
  assert.deepEqual(open().header(), { 'X-3rd-Session': token })
})

test('each base URL has a token of its own', async () => {
  const { session, open } = scene()
  await session.login()
  assert.deepEqual(open({ baseUrl: 'https://other.example.com' }).header(), {})
})

test('a storage that is full costs nothing before the next start', async () => {
  const { phone, session, open } = scene()
  phone.storageFull = true
  await session.login()
  assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
  assert.deepEqual(open().header(), {})
})

test('a refused code is followed by one fresh code', async () => {
  const { edge, phone, session } = scene()
  edge.fail('/wx/login', refuse('invalid_code', { errcode: 40029 }))
  await session.login()
  assert.equal(phone.codes.length, 2)
})

test('a second refused code is the end of it', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', ...Array(9).fill(refuse('invalid_code', { errcode: 40029, rid: 'a-rid' })))
  const error = await failing(session.login())
  const { name, action, statusCode, status, errcode, rid } = error
  assert.deepEqual(
    { name, error: error.error, action, statusCode, status, errcode, rid, message: error.message },
    {
      name: 'SessionError', error: 'invalid_code', action: 'relogin', statusCode: 401, status: 3001,
      errcode: 40029, rid: 'a-rid', message: '说明'
    }
  )
  assert.ok(error instanceof Error)
  assert.equal(edge.count('POST /wx/login'), 2)
})

test('a login waits as long as it is told and takes a fresh code, once', async () => {
  const { edge, phone, session } = scene()
  edge.fail('/wx/login', refuse('wechat_unavailable'))
  await session.login()
  assert.deepEqual(phone.waits, [2000])
  assert.equal(new Set(phone.codes).size, 2)
})

test('a login that is to wait for a minute fails at once and says so', async () => {
  const { edge, phone, session } = scene()
  edge.fail('/wx/login', refuse('login_rate_limited', { errcode: 45011 }))
  const { error, action, retryAfter } = await failing(session.login())
  assert.deepEqual([error, action, retryAfter], ['login_rate_limited', 'retry_after', 60])
  assert.deepEqual(phone.waits, [])
  assert.equal(edge.count('POST /wx/login'), 1)
})

test('a blocked user and a wrong configuration are not tried again', async () => {
  for (const [error, action] of [['user_blocked', 'show_blocked'], ['wechat_config', 'fix_config'], ['internal_error', 'none']]) {
    const { edge, session } = scene()
    edge.fail('/wx/login', refuse(error))
    const failed = await failing(session.login())
    assert.deepEqual([failed.error, failed.action], [error, action])
    assert.equal(edge.count('POST /wx/login'), 1)
  }
})

test('everybody learns of a failed login, and the next one begins anew', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', refuse('user_blocked'))
  const errors = await Promise.all([1, 2, 3].map(() => failing(session.login())))
  assert.deepEqual(errors.map(error => error.error), Array(3).fill('user_blocked'))
  assert.equal((await session.login()).event, 'new')
})

test('wx.login that fails, a dead network and an answer of somebody else are errors of their own', async () => {
  const { edge, phone, session } = scene()
  phone.loginFails = true
  const noCode = await failing(session.login())
  assert.deepEqual([noCode.error, noCode.statusCode], ['wx_login', 0])
  assert.match(noCode.message, /login:fail/)
  phone.loginFails = false
  edge.fail('/wx/login', new Error('net::ERR_CONNECTION_REFUSED'))
  const noNetwork = await failing(session.login())
  assert.deepEqual([noNetwork.error, noNetwork.action], ['network', 'retry_after'])
  edge.fail('/wx/login', { status: 413, body: '<html>' })
  const somebody = await failing(session.login())
  assert.deepEqual([somebody.error, somebody.statusCode], ['unexpected_answer', 413])
  edge.fail('/wx/login', { status: 200, body: '<html>welcome to this hotel' })
  assert.equal((await failing(session.login())).error, 'unexpected_answer')
})

test('listeners hear of logins until they are taken off, and one that throws disturbs nobody', async t => {
  const logged = t.mock.method(console, 'error', () => {})
  const { session } = scene()
  const heard = []
  session.on('login', () => { throw new Error('a fault of the page') })
  const off = session.on('login', login => heard.push(login.event))
  await session.login()
  off()
  await session.login()
  assert.deepEqual(heard, ['new'])
  assert.equal(logged.mock.callCount(), 2)
})
