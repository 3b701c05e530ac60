// Apps in Express, Koa and Fastify, as their manuals show them. Each answers with the names under which its handler finds
// a parameter, and says on a line of its own where it listens. None of them ever fails on a request.
import express from 'express'
import multer from 'multer'
import Koa from 'koa'
import { koaBody } from 'koa-body'
import Fastify from 'fastify'
import formbody from '@fastify/formbody'

const isObject = value => value !== null && typeof value === 'object'
// At the top, and in whatever stands there.
const names = (...sources) => sources.filter(isObject).flatMap(source =>
  [...Object.keys(source), ...Object.values(source).filter(isObject).flatMap(Object.keys)])
const listens = (name, server) => console.log(`${name} ${server.address().port}`)

const inExpress = express()
inExpress.set('query parser', 'extended')
inExpress.use(express.json(), express.urlencoded({ extended: true }), multer().any())
inExpress.use((request, response) => response.json(names(request.body, request.query)))
inExpress.use((error, request, response, next) => response.json([]))
const first = inExpress.listen(0, '127.0.0.1', () => listens('express', first))

const inKoa = new Koa()
inKoa.use(async (context, next) => {
  try {
    await next()
  } catch {
    context.body = []
  }
})
inKoa.use(koaBody({ multipart: true }))
inKoa.use(context => { context.body = names(context.request.body, context.query) })
const second = inKoa.listen(0, '127.0.0.1', () => listens('koa', second))

const inFastify = Fastify()
inFastify.register(formbody)
inFastify.setErrorHandler((error, request, reply) => reply.code(200).send([]))
inFastify.all('/*', async request => names(request.body, request.query))
await inFastify.listen({ port: 0, host: '127.0.0.1' })
listens('fastify', inFastify.server)
