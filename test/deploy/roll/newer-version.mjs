/**
 * Makes the server that loads this first a newer version: it knows one migration more, that of ROLL_MIGRATION. `node --import` it.
 */
import { serverMigrations } from '../../../packages/server/dist/database/migrations.js'

const { migrations } = serverMigrations
migrations.push({ name: 'of the newer version', sql: process.env.ROLL_MIGRATION, runsFrom: migrations.length })
