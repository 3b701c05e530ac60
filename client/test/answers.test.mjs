// Before an edge whose answers are worded for other clients: `answers` in its configuration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

function legacy(options) {
  const made = scene(options)
  made.edge.answers = {
    ok: { members: { code: 0, status: 200 }, message_as: 'message', token_as: 'data.accessToken' },
    session: { http_status: 200, members: { code: 401, status: '110002', error: 'x', action: 'none', msg: '请登录' } },
    other: { http_status: 200, members: { code: 500, error: 7, msg: 7 } }
  }
  return made
}

test('a refusal is one by its headers, whatever its status and members, on every platform', async () => {
  for (const platform of ['android', 'ios', 'devtools']) {
    const { edge, session } = legacy({ platform })
    await session.login()
    edge.sessions.clear()
    assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
    assert.equal(edge.count('POST /wx/login'), 2)
    edge.sessions.clear()
    assert.deepEqual(await session.logout(), { ended: 0 })
    const { error, action, statusCode, status, message } = await failing(session.request({ url: '/orders' }))
    assert.deepEqual(
      { error, action, statusCode, status, message },
      { error: 'no_session', action: 'relogin', statusCode: 200, status: 0, message: '请登录' }
    )
  }
})

test('every call works as before an edge with words of its own', async () => {
  const { edge, phone, session } = legacy()
  assert.equal((await session.ensure()).event, 'new')
  assert.equal(await session.ensure(), null)
  edge.fail('/orders', refuse('store_unavailable'))
  assert.equal((await session.request({ url: '/orders', method: 'POST' })).data.user, 'ming')
  assert.deepEqual(phone.waits, [2000])
  assert.equal((await session.decrypt(() => edge.wechat.userInfo('ming'))).user, 'ming')
  assert.deepEqual(await session.logout(), { ended: 1 })
})

test('stale open data with status 200 is fetched anew after one login, and from a button told', async () => {
  const { edge, session } = legacy()
  await session.login()
  edge.fail('/wx/register', refuse('session_key_stale'))
  assert.equal((await session.register(() => edge.wechat.userInfo('ming'))).key, 2)
  const detail = await edge.wechat.userInfo('ming')
  edge.fail('/wx/decrypt', refuse('session_key_stale'))
  const { error, message } = await failing(session.decrypt(() => detail))
  assert.deepEqual([error, message], ['session_key_stale', 'session_key_stale'])
  assert.equal(edge.count('POST /wx/decrypt'), 1)
})

test('a new kind of refusal is told under its name, and one without an action asks for nothing', async () => {
  const { edge, session } = scene()
  await session.login()
  edge.fail('/orders', { status: 418, headers: [['X-WX-Error', 'brand_new']], body: 'not JSON' })
  const { error, action, message, statusCode } = await failing(session.request({ url: '/orders' }))
  assert.deepEqual([error, action, message, statusCode], ['brand_new', 'none', 'brand_new', 418])
})

test('an answer of an endpoint that lacks the headers is somebody else’s', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', { status: 200, body: JSON.stringify({ status: 0, data: { token: 'stolen' } }) })
  assert.equal((await failing(session.login())).error, 'unexpected_answer')
  assert.deepEqual(session.header(), {})
})
