// The two ways in: CommonJS for mini programs, ES modules for bundlers.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scene } from './fake/scene.mjs'

const folder = fileURLToPath(new URL('../', import.meta.url))

// As a dependent sees it: a package may name itself.
test('import and require give the same things', async () => {
  const imported = await import('wx-session')
  const required = createRequire(import.meta.url)('wx-session')
  assert.deepEqual(Object.keys(imported).sort(), ['SessionError', 'createSession'])
  assert.deepEqual(Object.keys(required).sort(), ['SessionError', 'createSession'])
  assert.notEqual(imported.createSession, required.createSession)
})

test('the ES modules do what the others do', async t => {
  const { createSession, SessionError } = await import('wx-session')
  const { edge, phone } = scene()
  t.after(() => { delete globalThis.wx })
  globalThis.wx = phone.wx
  const session = createSession({ baseUrl: edge.base })
  assert.equal((await session.request({ url: '/orders' })).data.user, 'ming')
  await session.logout()
  await assert.rejects(session.request({ url: '/orders' }), error => error instanceof SessionError)
})

test('the ES modules are ES5 with import and export, and loading them asks nothing of wx', () => {
  // Newer Nodes would find out by themselves; older ones and TypeScript go by the one, webpack by the other.
  assert.deepEqual(JSON.parse(readFileSync(`${folder}esm/package.json`, 'utf8')), { type: 'module', sideEffects: false })
  const code = readdirSync(`${folder}esm`).filter(name => name.endsWith('.js'))
  for (const name of code) {
    const text = readFileSync(`${folder}esm/${name}`, 'utf8')
    assert.doesNotMatch(text, /require\(|exports\.|=>|\bclass\b|\bconst\b|`|__(awaiter|extends|assign|spread|rest)/, name)
    for (const [, from] of text.matchAll(/from '([^']*)'/g)) assert.ok(code.includes(from.replace('./', '')), from)
  }
  const alone = ['--input-type=module', '--eval', "import 'wx-session'; console.log(typeof wx)"]
  assert.equal(execFileSync(process.execPath, alone, { cwd: folder, encoding: 'utf8' }), 'undefined\n')
})
