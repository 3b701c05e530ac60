// A project with the package in it, as npm installs it from what `npm pack` made: no link, nothing that is not published.
// Its folder is inside this one, so that it finds the tools too.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const here = fileURLToPath(new URL('.', import.meta.url))
const npm = (folder, ...options) => execFileSync('npm', options, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

// `source`: the folder that is copied into it. Gives the project's folder.
export function project(name, source) {
  const folder = join(here, 'work', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  cpSync(source, folder, { recursive: true, filter: path => !path.startsWith(join(source, 'node_modules')) })
  npm(join(here, '..'), 'pack', '--ignore-scripts', '--pack-destination', folder)
  const packed = readdirSync(folder).find(file => file.endsWith('.tgz'))
  npm(folder, 'install', '--offline', '--package-lock=false', `./${packed}`)
  return folder
}
