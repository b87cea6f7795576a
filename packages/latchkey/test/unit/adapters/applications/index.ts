import express from 'express'
import express4 from 'express4'
import fastify from 'fastify'
import fastify4 from 'fastify4'
import Koa from 'koa'
import Koa2 from 'koa2'
import type { Start } from './application.js'
import { startExpress } from './express.js'
import { byPlugin, byRequireAuth, startFastify } from './fastify.js'
import { startHapi } from './hapi.js'
import { startHono } from './hono.js'
import { startKoa } from './koa.js'
import { startFetch, startNode } from './without-framework.js'

/** Which sources a framework cannot have. */
export interface Limits {
  /** Whether a token in a form body can be read. */
  readonly readsForms: boolean
}

/** Every adapter, with each version of its framework. */
export const applications: readonly [name: string, start: Start, limits: Limits][] = [
  ['Express 5', startExpress(express), { readsForms: true }],
  ['Express 4', startExpress(express4), { readsForms: true }],
  ['Fastify 5', startFastify(fastify, byRequireAuth), { readsForms: true }],
  ['Fastify 5 with the plugin', startFastify(fastify, byPlugin), { readsForms: true }],
  // Its types are of another version, and its API is the same as far as these applications use it.
  ['Fastify 4', startFastify(fastify4 as unknown as typeof fastify, byRequireAuth), { readsForms: true }],
  ['Fastify 4 with the plugin', startFastify(fastify4 as unknown as typeof fastify, byPlugin), { readsForms: true }],
  ['Hono', startHono, { readsForms: true }],
  ['Koa 3', startKoa(Koa), { readsForms: true }],
  ['Koa 2', startKoa(Koa2), { readsForms: true }],
  ['hapi', startHapi, { readsForms: false }],
  ['node:http', startNode, { readsForms: false }],
  ['the Web’s own types', startFetch, { readsForms: true }],
]
