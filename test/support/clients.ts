import * as projects from './projects.ts'
import { requireTool, type Skippable } from './tools.ts'

export type Style = 'pipe' | 'fifo'

/** A build tool that draws on a jobserver, and what it can be relied on to do with one. */
export interface RealClient {
  name: string
  /** The forms of a jobserver that it understands. */
  styles: Style[]
  /** Whether it gives back the byte it took; make, gcc and makeparallel have a byte of their own. */
  keepsBytes: boolean
  project(dir: string, options: projects.ProjectOptions, ctx: Skippable): projects.Project
}

export const realClients: RealClient[] = [
  {
    name: 'make 4.3',
    styles: ['pipe'],
    keepsBytes: false,
    project: (dir, options, ctx) => projects.makeProject(dir, { ...options, make: requireTool('make43', ctx) }),
  },
  {
    name: 'make 4.3, recursive',
    styles: ['pipe'],
    keepsBytes: false,
    project: (dir, options, ctx) =>
      projects.makeProject(dir, { ...options, recursive: true, make: requireTool('make43', ctx) }),
  },
  {
    name: 'make 4.4, recursive',
    styles: ['pipe', 'fifo'],
    keepsBytes: false,
    project: (dir, options, ctx) =>
      projects.makeProject(dir, { ...options, recursive: true, make: requireTool('make44', ctx) }),
  },
  {
    name: 'ninja 1.13',
    styles: ['fifo'],
    keepsBytes: true,
    project: (dir, options, ctx) => projects.ninjaProject(dir, { ...options, ninja: requireTool('ninja113', ctx) }),
  },
  {
    name: 'cargo',
    styles: ['pipe', 'fifo'],
    keepsBytes: true,
    project: (dir, options, ctx) => projects.cargoProject(dir, { ...options, cargo: requireTool('cargo', ctx) }),
  },
  {
    name: 'gcc -flto=jobserver',
    styles: ['pipe'],
    keepsBytes: false,
    project: (dir, options, ctx) =>
      projects.gccLtoProject(dir, { ...options, make: requireTool('make43', ctx), gcc: requireTool('gcc', ctx) }),
  },
  {
    name: 'cmake with make 4.3',
    styles: ['pipe'],
    keepsBytes: false,
    project: (dir, options, ctx) =>
      projects.cmakeProject(dir, { ...options, make: requireTool('make43', ctx), cmake: requireTool('cmake', ctx) }),
  },
  {
    name: 'cmake with make 4.4',
    styles: ['pipe', 'fifo'],
    keepsBytes: false,
    project: (dir, options, ctx) =>
      projects.cmakeProject(dir, { ...options, make: requireTool('make44', ctx), cmake: requireTool('cmake', ctx) }),
  },
  {
    name: 'makeparallel',
    styles: ['pipe'],
    keepsBytes: false,
    project: (dir, options, ctx) => projects.makeparallelProject(dir, { ...options, make: requireTool('make43', ctx) }),
  },
]
