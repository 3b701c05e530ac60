// Login through the app: the option `login`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, handOver, scene, soon } from './fake/scene.mjs'

function throughApp(more = {}) {
  const made = scene()
  const login = async (loginCode, send) => {
    const { data } = await send({ url: '/api/sign-in', method: 'POST', data: { loginCode } })
    if (data.errno) throw new Error(data.errmsg)
    return { token: data.result.access_token, event: data.result.event }
  }
  return { ...made, session: made.open({ login, ...more }) }
}

test('the app’s own login gives the token, for any number of callers at once', async () => {
  const { edge, session, open } = throughApp()
  const answers = await Promise.all([1, 2, 3].map(n => session.request({ url: `/orders/${n}` })))
  assert.ok(answers.every(answer => answer.data.user === 'ming'))
  assert.equal(edge.count('POST /api/sign-in'), 1)
  assert.equal(edge.count('POST /wx/login'), 0)
  assert.equal(await open().ensure(), null)
  assert.deepEqual(await session.logout(), { ended: 1 })
})

test('what the app does not tell of a login is what pages take for a login without news', async () => {
  const { session } = throughApp({ login: () => ({ token: 'a-token' }) })
  const heard = []
  session.on('login', login => heard.push(login))
  assert.deepEqual(await session.login(), { token: 'a-token', expiresIn: 0, registered: true, event: 'returning' })
  assert.equal(heard.length, 1)
  assert.deepEqual(session.header(), { 'X-3rd-Session': 'a-token' })
})

test('the old token goes along, so that its session ends and another account is noticed', async () => {
  const { edge, phone, session } = throughApp()
  await session.login()
  phone.user = 'hong'
  edge.fail('/orders', refuse('session_expired'))
  const heard = []
  session.on('switched', ({ event }) => heard.push(event))
  assert.equal((await failing(session.request({ url: '/orders', method: 'POST' }))).error, 'account_switched')
  assert.deepEqual([heard, edge.sessions.size, edge.count('POST /orders')], [['switched'], 1, 1])
})

test('the edge’s refusals are acted on as at its own endpoint', async () => {
  const { edge, phone, session } = throughApp()
  edge.fail('/api/sign-in', refuse('invalid_code'))
  await session.login()
  assert.equal(new Set(phone.codes).size, 2)
  edge.fail('/api/sign-in', refuse('wechat_unavailable'))
  await session.login()
  assert.deepEqual(phone.waits, [2000])
  edge.fail('/api/sign-in', refuse('user_blocked'))
  assert.deepEqual((await failing(session.login())).action, 'show_blocked')
  edge.seen.length = 0
  edge.fail('/api/sign-in', ...Array(9).fill(refuse('body_timeout')))
  assert.equal((await failing(session.login())).error, 'body_timeout')
  assert.equal(edge.seen.length, 2)
})

test('what the app refuses, or answers without a token, is an error of its own and leaves the old token', async () => {
  const { edge, session, open } = throughApp()
  const { token } = await session.login()
  edge.appRefuses = { errno: 700, errmsg: 'disabled' }
  const { name, error, action, message } = await failing(session.login())
  assert.deepEqual([name, error, action, message], ['SessionError', 'app_login', 'none', 'disabled'])
  assert.deepEqual(session.header(), { 'X-3rd-Session': token })
  for (const given of [undefined, {}, { token: '' }]) {
    assert.equal((await failing(open({ login: () => given }).login())).error, 'unexpected_answer')
  }
  edge.sessions.clear()
  for (const [thrown, message] of [[undefined, 'login failed'], ['no', 'no'], [{ errMsg: 'request:fail' }, 'request:fail']]) {
    const login = () => { throw thrown }
    const error = await failing(open({ login }).callContainer({ path: '/orders', fail() {} }))
    assert.deepEqual([error.error, error.message], ['app_login', message])
  }
})

test('an error of the app’s own kind is passed on as it is', async () => {
  const { phone, edge } = scene()
  const { createSession, SessionError } = (await import('./fake/modules.mjs')).client(phone)
  const login = () => { throw new SessionError('banned', 'show_blocked', '已封禁') }
  const error = await failing(createSession({ baseUrl: edge.base, login }).login())
  assert.deepEqual([error.error, error.action, error.message], ['banned', 'show_blocked', '已封禁'])
})

test('a dead network in the app’s login is one', async () => {
  const { edge, session } = throughApp()
  edge.fail('/api/sign-in', new Error('timeout'))
  const { error, action } = await failing(session.login())
  assert.deepEqual([error, action], ['network', 'retry_after'])
})

test('the app’s login may log out itself, and fails with what it says then', async () => {
  const { session } = throughApp({
    async login(code, send) {
      await send({ url: '/public/news' })
      assert.deepEqual(await session.logout(), { ended: 0 })
      throw new Error('banned')
    }
  })
  const { error, message } = await failing(session.login())
  assert.deepEqual([error, message], ['app_login', 'banned'])
  assert.deepEqual(session.header(), {})
})

test('what the app’s login sends after a logout does not go with the token of the next one', async () => {
  let go
  const until = new Promise(done => { go = done })
  const failed = []
  let first = true
  const { edge, phone, session } = throughApp({
    async login(loginCode, send) {
      const late = first
      first = false
      if (late) await until
      const { data } = await send({ url: '/api/sign-in', method: 'POST', data: { loginCode } }).catch(error => {
        failed.push(error.error)
        throw error
      })
      return { token: data.result.access_token, event: data.result.event }
    }
  })
  const before = failing(session.login())
  while (!phone.codes.length || first) await soon()
  await handOver(phone, session)
  go()
  assert.equal((await before).error, 'account_switched')
  assert.deepEqual([failed, edge.count('POST /api/sign-in'), [...edge.sessions.values()]], [['account_switched'], 1, ['hong']])
})
