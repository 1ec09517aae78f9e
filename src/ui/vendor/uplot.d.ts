// The build puts uPlot's module here: a browser asks for files, not for packages.
export { default } from 'uplot';
