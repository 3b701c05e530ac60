// Before an Envoy that hands no body over to the edge: parameters in headers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

test('what an edge cannot read from a body it gets in headers, once it has said so', async () => {
  const { edge, phone, session } = scene()
  edge.readsBodies = false
  const first = await session.login()
  assert.deepEqual([first.event, phone.waits], ['new', []])
  assert.deepEqual(edge.seen, ['POST /wx/login', 'GET /wx/login'])
  const info = await session.decrypt(() => edge.wechat.userInfo('ming'))
  assert.equal(info.user, 'ming')
  assert.equal((await session.register(() => edge.wechat.userInfo('ming'))).user, 'ming')
  const second = await session.login()
  assert.deepEqual([second.event, [...edge.sessions.keys()]], ['returning', [second.token]])
  await session.logout({ everywhere: true })
  assert.equal(edge.sessions.size, 0)
  assert.equal(edge.seen.filter(call => call.startsWith('POST')).length, 1)
})

test('headers from the start, where they are asked for', async () => {
  const { edge, open } = scene()
  edge.readsBodies = false
  const session = open({ parameters: 'headers' })
  await session.login()
  await session.logout()
  assert.deepEqual(edge.seen, ['GET /wx/login', 'GET /wx/logout'])
})

test('a body that comes too late in spite of that is told, and not tried for ever', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', ...Array(4).fill(refuse('body_timeout')))
  const error = await failing(session.login())
  assert.deepEqual([error.error, error.action], ['body_timeout', 'retry_after'])
  assert.ok(edge.seen.length <= 4)
})

test('a request for the app whose body came too late is not sent again', async () => {
  const { edge, phone, session } = scene()
  await session.login()
  edge.fail('/profile', refuse('body_timeout'))
  const error = await failing(session.request({ url: '/profile', method: 'POST', data: {} }))
  assert.deepEqual([error.error, phone.waits], ['body_timeout', []])
  assert.equal(edge.count('POST /profile'), 1)
})
