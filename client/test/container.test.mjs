// `callContainer`, as mini programs of WeChat Cloud Run call it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { app, refuse } from './fake/edge.mjs'
import { failing, scene } from './fake/scene.mjs'

// As Cloud Run's console writes it.
const CALL = {
  config: { env: 'prod-01a2b3' },
  path: '/api/count',
  header: { 'X-WX-SERVICE': 'express', 'content-type': 'application/json' },
  method: 'POST',
  data: { action: 'inc' }
}

test('a call of Cloud Run is a request with the session, and its answer is in Cloud Run’s words', async () => {
  const { phone, session } = scene()
  const { callContainer } = session
  const answer = await callContainer(CALL)
  const { data, statusCode, errMsg, callID, header } = answer
  assert.deepEqual({ data, statusCode, errMsg, callID, header }, {
    data: { path: '/api/count', user: 'ming' }, statusCode: 200, errMsg: 'cloud.callContainer:ok', callID: '', header: {}
  })
  const { url, method, body, headers } = phone.requests.at(-1)
  assert.deepEqual([url, method, body], ['https://api.example.com/api/count', 'POST', '{"action":"inc"}'])
  assert.equal(headers['X-3rd-Session'], session.header()['X-3rd-Session'])
  assert.equal(CALL.config.env, 'prod-01a2b3')
})

test('what only Cloud Run knows is not handed to wx.request; the rest is', async () => {
  const { edge, session } = scene()
  edge.fail('/text', refuse('no_session'), app(200, '{"n":1}'))
  const options = { service: 'express', verbose: true, path: 'text', method: 'GET', data: '', dataType: 'text', timeout: 3000 }
  const { data } = await session.callContainer({ ...CALL, ...options })
  assert.equal(data, '{"n":1}')
  assert.deepEqual(edge.seen, ['GET /text', 'POST /wx/login', 'GET /text'])
})

test('every status of the app is a success, with callbacks too', async () => {
  const { edge, session } = scene()
  edge.fail('/public/x', app(500, { from: 'the app' }))
  const order = []
  await new Promise(done => session.callContainer({
    path: '/public/x',
    success: answer => order.push(answer),
    fail: () => order.push('fail'),
    complete: answer => done(order.push(answer))
  }))
  assert.equal(order[0], order[1])
  assert.deepEqual([order[0].statusCode, order[0].data.from, order[0].errMsg], [500, 'the app', 'cloud.callContainer:ok'])
})

test('what the edge refuses fails, in Cloud Run’s words, and nobody has to catch the promise', async () => {
  const { edge, session } = scene()
  edge.fail('/wx/login', refuse('user_blocked'))
  const error = await new Promise(fail => session.callContainer({ path: '/orders', fail }))
  assert.deepEqual([error.name, error.error, error.action], ['SessionError', 'user_blocked', 'show_blocked'])
  assert.equal(error.errMsg, 'cloud.callContainer:fail 说明')
  edge.fail('/orders', new Error('timeout'))
  assert.match((await failing(session.callContainer({ path: '/orders' }))).errMsg, /^cloud\.callContainer:fail .*timeout/)
})

test('a path cannot lead elsewhere', async () => {
  const { phone, session } = scene()
  await session.callContainer({ path: 'https://evil.example.org/' })
  assert.ok(phone.requests.every(({ url }) => url.startsWith('https://api.example.com/')))
})
