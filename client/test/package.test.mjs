import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const folder = fileURLToPath(new URL('../', import.meta.url))
const built = readdirSync(`${folder}miniprogram_dist`)
const LIMIT = 6 * 1024

test('the package is small, ES5, and needs nothing else', t => {
  const code = built.filter(name => name.endsWith('.js')).map(name => readFileSync(`${folder}miniprogram_dist/${name}`, 'utf8'))
  const bytes = gzipSync(code.join(''), { level: 9 }).length
  t.diagnostic(`${bytes} bytes gzipped`)
  assert.ok(bytes < LIMIT, `${bytes} bytes`)
  for (const text of code) {
    assert.doesNotMatch(text, /=>|\bclass\b|\bconst\b|\blet\b|\basync\b|`|__(awaiter|generator|assign|spread)/)
    assert.deepEqual(text.match(/require\("[^"]*"\)/g)?.filter(call => !call.includes('"./')) ?? [], [])
  }
  const { dependencies, main, types, miniprogram } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))
  assert.equal(dependencies, undefined)
  assert.deepEqual([main, types], [`${miniprogram}/index.js`, `${miniprogram}/index.d.ts`])
  assert.ok(built.includes('index.js') && built.includes('index.d.ts'))
})

test('the types fit how pages use them, and refuse what is wrong', () => {
  const tsc = `${folder}node_modules/typescript/bin/tsc`
  const options = ['--noEmit', '--strict', '--target', 'ES2017', '--module', 'CommonJS', '--moduleResolution', 'Node10']
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...options, `${folder}test/types.ts`], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(readFileSync(`${folder}package-lock.json`, 'utf8'), /https?:|"resolved"/)
})
