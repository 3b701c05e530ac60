// A component that uses the package, under WeChat's own simulator of components.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { JSDOM } from 'jsdom'
import { refuse } from '../test/fake/edge.mjs'
import { scene } from '../test/fake/scene.mjs'
import { here, project } from './project.mjs'

// The simulator is one for Jest, which has a DOM among its globals.
const { window } = new JSDOM('<body></body>')
for (const name of ['window', 'document', 'HTMLElement', 'CustomEvent', 'Event', 'Node', 'MutationObserver']) {
  globalThis[name] = name === 'window' ? window : window[name]
}
const simulate = createRequire(import.meta.url)('miniprogram-simulate')

test('a component logs in, calls, shows a refusal and hears of a logout', async () => {
  const folder = project('component', join(here, 'projects/component'))
  const { edge, phone } = scene()
  Object.assign(wx, phone.wx)
  const component = simulate.render(simulate.load(join(folder, 'index'), 'session-user'))
  component.attach(window.document.body)
  const text = () => component.querySelector('.text').dom.textContent
  assert.equal(text(), '…')
  await component.instance.count()
  assert.equal(text(), 'ming')
  edge.fail('/api/count', refuse('user_blocked'))
  await component.instance.count()
  assert.equal(text(), 'show_blocked')
  await component.instance.logOut()
  assert.equal(text(), '未登录')
  assert.deepEqual(edge.seen, ['POST /api/count', 'POST /wx/login', 'POST /api/count', 'POST /api/count', 'POST /wx/logout'])
})
