/** A framework, and the programs that are compared in it. */
export interface Framework {
  readonly name: string
  /** The folder in `bench/first-route` with `open`, the program without a guard. */
  readonly folder: string
  /** The extension of its programs. @defaultValue `mjs` */
  readonly extension?: 'mjs' | 'ts'
  /** The packages that the program without a guard needs. */
  readonly packages: readonly string[]
  readonly libraries: readonly Library[]
}

/** A library that guards the route. */
export interface Library {
  readonly name: string
  /** The name of its program in the folder. */
  readonly file: string
  /** The packages that are installed for it; the packed library for Latchkey. */
  readonly packages: readonly string[]
}

const latchkey: Library = { name: 'latchkey', file: 'latchkey', packages: [] }

/** Returns whether a library is Latchkey, whose package is packed from this repository. */
export function isLatchkey(library: Library): boolean {
  return library === latchkey
}

export const frameworks: readonly Framework[] = [
  {
    name: 'Express',
    folder: 'express',
    packages: ['express'],
    libraries: [
      latchkey,
      { name: 'express-jwt', file: 'express-jwt', packages: ['express-jwt', 'jsonwebtoken'] },
      { name: 'passport-jwt', file: 'passport-jwt', packages: ['passport', 'passport-jwt', 'jsonwebtoken'] },
    ],
  },
  {
    name: 'Fastify',
    folder: 'fastify',
    packages: ['fastify'],
    libraries: [latchkey, { name: '@fastify/jwt', file: 'fastify-jwt', packages: ['@fastify/jwt'] }],
  },
  {
    name: 'Hono',
    folder: 'hono',
    packages: ['hono', '@hono/node-server'],
    libraries: [latchkey, { name: 'hono/jwt', file: 'hono-jwt', packages: [] }],
  },
  {
    name: 'Koa',
    folder: 'koa',
    packages: ['koa', '@koa/router'],
    libraries: [latchkey, { name: 'koa-jwt', file: 'koa-jwt', packages: ['koa-jwt', 'jsonwebtoken'] }],
  },
  {
    name: 'hapi',
    folder: 'hapi',
    packages: ['@hapi/hapi'],
    libraries: [
      latchkey,
      { name: 'hapi-auth-jwt2', file: 'hapi-auth-jwt2', packages: ['hapi-auth-jwt2', 'jsonwebtoken'] },
    ],
  },
  {
    name: 'Nest',
    folder: 'nest',
    extension: 'ts',
    packages: [
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/platform-express',
      'reflect-metadata',
      'rxjs',
      'typescript@6',
      '@types/node@20',
    ],
    libraries: [latchkey, { name: '@nestjs/jwt', file: 'nestjs-jwt', packages: ['@nestjs/jwt'] }],
  },
]
