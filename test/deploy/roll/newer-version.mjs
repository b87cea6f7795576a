/**
 * Turns the server into a newer version with one more migration, that of ROLL_MIGRATION. It is
 * loaded with `node --import`.
 */
import { serverMigrations } from '../../../packages/server/dist/database/migrations.js'

const { migrations } = serverMigrations
migrations.push({ name: 'of the newer version', sql: process.env.ROLL_MIGRATION, runsFrom: migrations.length })
