import assert from 'node:assert/strict'
import { test } from 'node:test'
import { app, refuse } from './fake/edge.mjs'
import { client } from './fake/modules.mjs'
import { failing, scene } from './fake/scene.mjs'

test('what the package fails with is a SessionError, and an Error', async () => {
  const { edge, phone } = scene()
  const { createSession, SessionError } = client(phone)
  const session = createSession({ baseUrl: edge.base })
  edge.fail('/wx/login', refuse('user_blocked', { errcode: 40226 }), new Error('timeout'), app(502, ''))
  for (const name of ['user_blocked', 'network', 'unexpected_answer']) {
    const error = await failing(session.login())
    assert.ok(error instanceof SessionError && error instanceof Error, name)
    assert.equal(error.constructor, SessionError)
    assert.equal(error.error, name)
    assert.match(error.stack, /\n +at /)
    assert.equal(String(error), `SessionError: ${error.message}`)
  }
  assert.ok(!(new Error('x') instanceof SessionError))
})

test('pages may make one, or a kind of their own', () => {
  const { SessionError } = client(scene().phone)
  class Mine extends SessionError {}
  const mine = new Mine('mine', 'retry_after', 'later')
  assert.ok(mine instanceof Mine && mine instanceof SessionError && mine instanceof Error)
  const { error, action, message, status, statusCode, errMsg, name } = mine
  assert.deepEqual(
    { error, action, message, status, statusCode, errMsg, name },
    { error: 'mine', action: 'retry_after', message: 'later', status: 0, statusCode: 0, errMsg: 'request:fail later', name: 'SessionError' }
  )
})
