/* The node of a graph in machine code: a stub. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifndef SCALARGRAD_SOURCE
#define SCALARGRAD_SOURCE ""
#endif

static int
fill_module(PyObject *module)
{
    if (PyModule_AddIntConstant(module, "INTERFACE", 1) < 0) {
        return -1;
    }
    return PyModule_AddStringConstant(module, "SOURCE", SCALARGRAD_SOURCE);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, fill_module},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scalargrad.core._node",
    .m_doc = "The node of a graph in machine code.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__node(void)
{
    return PyModuleDef_Init(&definition);
}
