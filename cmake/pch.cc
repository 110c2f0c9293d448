// Compiled once so that cmake/pch.h exists as a precompiled header for every target.
